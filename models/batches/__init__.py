"""Calls that go out as a provider's batch: a file of requests now, a file of answers within hours."""
