"""Supporters, users, judges and corpora of your own: the examples of docs/how-to/make-it-yours.md."""
