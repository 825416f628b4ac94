"""The actors. Each is a prompt, a chat model and an output schema, without a graph, a file or the command line."""
