"""What ties the files of a run together: seals as they are written, and the check that holds them against it."""
