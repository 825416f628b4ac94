"""Servers of this machine: the base of all of them, and the OpenAI-compatible one."""
