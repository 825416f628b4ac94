"""Verbs about model servers of other makers."""
