"""LangGraph state machines that wire the agents, one a file."""
