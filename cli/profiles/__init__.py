"""`cocoon profiles`."""
