"""From dialogues to rows with labels: split, held out, deduplicated."""
