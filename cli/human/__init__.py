"""`cocoon human`."""
