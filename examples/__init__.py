"""Example profiles, shipped with the package; no code."""
