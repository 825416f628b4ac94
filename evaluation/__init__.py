"""Numbers from dialogues and ratings; no model call of its own."""
