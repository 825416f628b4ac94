"""Studies of several simulated users, from Python."""
