"""Success: was the need named, by whom, and can a judge be trusted to tell."""
