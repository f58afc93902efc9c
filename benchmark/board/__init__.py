"""The leaderboard: computed from the runs, stored, and written as pages."""
