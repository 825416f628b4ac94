"""The actors: each is a prompt, a chat model and an output schema; no graph, no file, no command line."""
