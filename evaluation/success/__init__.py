"""Success: was the need named, by whom, at which rate, and can a judge be trusted to tell."""
