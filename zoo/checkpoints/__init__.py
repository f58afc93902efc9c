"""Checkpoints: reading, checking, loading and saving them, on disk and on the hub."""
