"""Read foreign files into records, with one loader per format and a report of every repair."""
