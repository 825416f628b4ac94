"""A table of the paper made again."""
