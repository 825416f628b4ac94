"""Training of supporters: labels, supervised fine-tuning, adapters."""
