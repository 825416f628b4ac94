"""Branches: futures of the same talk from one of its turns on, and which reply moved what came of it."""
