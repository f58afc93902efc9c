"""Reports of wrong verdicts, below Compare."""
