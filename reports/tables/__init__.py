"""Tables as data, one builder a subject."""
