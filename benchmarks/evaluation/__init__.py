"""How right question detection, screen and counting are, and what they cost."""
