"""Words of risk in a dialogue, found by rule: what the user says of danger, and what the supporter makes of it."""
