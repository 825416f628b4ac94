"""Tables of how far ratings can be relied on: votes, judges, items, and people."""
