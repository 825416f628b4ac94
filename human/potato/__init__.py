"""The same study in Potato, a separate rating program."""
