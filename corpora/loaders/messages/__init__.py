"""Loaders of dialogues in the form of chat messages."""
