"""Adapters: their cards, laid over a base, merged into it."""
