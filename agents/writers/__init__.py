"""Writers of profiles, scripts and contrastive pairs, and what they are checked for."""
