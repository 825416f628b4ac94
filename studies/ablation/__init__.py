"""The user ablation: what a simulated user knows, and what that does to the dialogue."""
