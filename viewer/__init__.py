"""The trace page: a run to look at, from disk or while it goes on."""
