"""Contrastive pairs, the situations they answer, and the tokens that are compared."""
