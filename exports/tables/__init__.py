"""A run as tidy tables."""
