"""The tasks: their specs, rows and splits."""
