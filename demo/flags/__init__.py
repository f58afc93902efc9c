"""What visitors report as wrong, below Compare."""
