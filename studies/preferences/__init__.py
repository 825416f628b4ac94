"""Preference data from judged runs."""
