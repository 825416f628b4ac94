"""One loader a corpus."""
