"""Our plug-in for vLLM: a server of served rows adds directions while it writes, each request with its own dose."""
