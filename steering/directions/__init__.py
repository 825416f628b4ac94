"""Directions in hidden states: read, estimated, chosen, stored."""
