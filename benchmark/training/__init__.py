"""Recipes, fine-tuning, runs, and the grid that makes them."""
