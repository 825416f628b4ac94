"""What everything stands on: records, errors, settings, prompts and files of text."""
