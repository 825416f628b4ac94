"""Loaders of dialogues in layouts of their own."""
