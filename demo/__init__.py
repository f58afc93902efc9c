"""The app's tabs: handlers first (`compare`, `board` ...), widgets after (`*_view`)."""
