"""Loaders of profiles."""
