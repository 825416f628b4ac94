"""Verbs of studies: ablate, reproduce."""
