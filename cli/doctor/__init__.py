"""`cocoon doctor`."""
