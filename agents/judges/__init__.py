"""Judges: a dialogue in, a rating or a choice out."""
