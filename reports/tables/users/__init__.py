"""Tables on the simulated users: flags of their turns, how like people they talk, what stands beside the scores."""
