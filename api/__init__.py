"""The Python door: every verb as a function, with an asynchronous twin; the command line calls these."""
