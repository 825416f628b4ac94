"""What comes from outside: YAML and Python code of users, files of profiles, events of a trace, signals to stop."""
