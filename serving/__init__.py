"""An OpenAI-compatible server for local, adapted and steered models."""
