"""How true simulated users are to their profiles, and to the content of what is said."""
