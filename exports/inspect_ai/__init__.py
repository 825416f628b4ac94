"""A run as an Inspect log."""
