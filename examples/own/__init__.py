"""Supporters, users, judges and corpora of your own: the examples of docs/make-it-yours.md."""
