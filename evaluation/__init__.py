"""Numbers from dialogues and ratings. This room makes no model calls."""
