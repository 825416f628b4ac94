"""How replies are written: token by token, all rows in the same passes, each on its own keys and values."""
