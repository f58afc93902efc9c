"""`python -m benchmark`: run the grid, rebuild the leaderboard."""

from benchmark.cli import main

main()
