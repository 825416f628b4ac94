"""A direction at work while text is written."""
