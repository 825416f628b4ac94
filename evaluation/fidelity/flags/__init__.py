"""What goes wrong in a simulated user's turn, found by rule: five detectors, and what each found."""
