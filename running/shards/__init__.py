"""Runs that several processes share: parts of the people, leases on them, and the merged run."""
