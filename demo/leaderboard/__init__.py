"""The Leaderboard tab."""
