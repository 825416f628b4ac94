"""Loaders of dialogues that come as tables: a turn a row, or question and answer in columns."""
