"""Simulated users, what opens them, and what of a profile they are given."""
