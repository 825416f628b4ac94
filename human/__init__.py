"""The rating study: people rate, compare and talk, blind."""
