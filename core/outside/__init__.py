"""What comes from outside: signals that ask to stop, and Python code of the user's own."""
