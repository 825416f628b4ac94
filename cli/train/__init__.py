"""`cocoon train`."""
