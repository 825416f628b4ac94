"""What verbs share: options, progress, lines for people."""
