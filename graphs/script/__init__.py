"""The script graph: one writer writes both roles of a dialogue, piece by piece, and every piece is screened."""
