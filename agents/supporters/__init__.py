"""Supporters: who speaks first and replies to the user."""
