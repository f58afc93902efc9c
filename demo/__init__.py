"""The app's tabs, a folder each: `handlers.py` without widgets, `view.py` with them."""
