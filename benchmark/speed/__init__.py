"""How fast the project is: `make bench-*`."""
