"""`cocoon steer`."""
