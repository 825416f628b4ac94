"""From a wanted question ratio to a coefficient, and what steering does to speech."""
