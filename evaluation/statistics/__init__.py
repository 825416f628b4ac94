"""Estimates with their uncertainty, agreement, paired tests, power."""
