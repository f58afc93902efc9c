"""The encoders: the registry, the way to their weights, and those that ship with the project."""
