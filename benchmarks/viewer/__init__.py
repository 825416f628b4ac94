"""The trace page at full size, and its pictures."""
