"""All that lies between a prompt and a reply: calls, journal, pool, budget, remote and local models."""
