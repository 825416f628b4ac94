"""A local OpenAI-compatible endpoint that answers by rule, with faults."""
