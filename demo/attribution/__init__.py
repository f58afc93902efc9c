"""Which words support a label, below Compare."""
