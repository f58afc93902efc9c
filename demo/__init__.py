"""The app's two tabs: handlers first (`compare`, `board`), widgets after (`*_view`)."""
