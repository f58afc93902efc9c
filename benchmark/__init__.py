"""How models are compared: tasks, recipes, fine-tuning, runs, decisions, metrics, leaderboard."""
