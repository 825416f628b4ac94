"""The demonstrations on a terminal."""
