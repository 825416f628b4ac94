"""Steering: contrastive pairs, a direction in hidden states, its control while text is written, its calibration."""
