"""`cocoon chat`."""
