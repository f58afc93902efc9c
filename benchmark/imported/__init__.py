"""Predictions of models from elsewhere, read and kept as runs."""
