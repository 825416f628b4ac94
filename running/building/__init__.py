"""Runs that build data: profiles, scripts, pairs, translations."""
