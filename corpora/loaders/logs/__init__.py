"""Loaders of dialogues from the logs of other programs."""
