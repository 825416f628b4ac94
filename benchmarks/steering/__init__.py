"""What steering costs and what it does."""
