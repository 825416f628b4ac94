"""Supporters held against each other on the same people."""
