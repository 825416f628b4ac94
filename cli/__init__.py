"""The command line: one file a verb; it parses and prints."""
