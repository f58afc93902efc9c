"""The app's two tabs: handlers first (`compare`, `board`, `plots`), widgets after (`*_view`)."""
