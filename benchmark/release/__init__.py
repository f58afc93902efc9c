"""From runs to what is published: cards, shipped checkpoints, exports."""
