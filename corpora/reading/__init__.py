"""Foreign files as values, drafts and turns, each repair noted."""
