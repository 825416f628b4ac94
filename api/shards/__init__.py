"""Shards from Python: workers on a shared folder, and the merged run."""
