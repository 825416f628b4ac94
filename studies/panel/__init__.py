"""The panel: several simulated users crossed with supporters and profiles, and whose choice moves the scores."""
