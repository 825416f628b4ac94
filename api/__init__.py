"""The Python door: every verb as a function, with an asynchronous twin. The command line calls these functions."""
