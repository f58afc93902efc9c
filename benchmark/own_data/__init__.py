"""A user's own data: found, read, checked, and made a task."""
