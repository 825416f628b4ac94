"""Foreign files -> records: one loader a file, each with a report of what it had to mend."""
