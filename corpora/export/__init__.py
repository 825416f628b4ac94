"""Dialogues for training elsewhere: messages, ShareGPT, Parquet, always with a card."""
