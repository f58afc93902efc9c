"""Pretraining the zoo's own encoders: one corpus, one budget, three recipes."""
