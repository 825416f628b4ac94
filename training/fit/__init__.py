"""Supervised fine-tuning of an adapter."""
