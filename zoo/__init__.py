"""What a model is: encoder specs, checkpoints, decisions, and the Classifier that joins them."""
