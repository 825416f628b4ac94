"""What comes from outside: YAML of users, events of a trace, signals that ask to stop."""
