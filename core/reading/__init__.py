"""What is read from files, checked at the border: YAML of users and events of a trace."""
