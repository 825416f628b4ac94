"""What comes from outside: YAML and Python code of users, profiles, events of a trace, signals that ask to stop."""
