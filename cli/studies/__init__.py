"""Verbs of studies: ablate, branch, panel, reproduce."""
