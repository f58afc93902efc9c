"""Which words speak for a label, below Compare."""
