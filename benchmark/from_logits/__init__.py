"""What the stored logits of runs tell beyond the leaderboard."""
