"""A run read back, finished or under way."""
