"""RQ4 within the talk: the same content asked or said, at turns drawn from talks, and what comes of it."""
