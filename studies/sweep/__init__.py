"""The study of the question ratio."""
