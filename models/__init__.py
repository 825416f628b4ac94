"""All that lies between a prompt and a reply: calls, journal, pool, ledger, remote and local models."""
