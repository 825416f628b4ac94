"""Compile one grammar within limits: `python -m cocoon.serving.compile_schema < GRAMMAR`, a process for each.

It prints the engine's reason where the grammar is refused, and nothing where it is good. The system ends the process
that takes more time or memory. `schema_check.py` starts it.
"""

import sys
from pathlib import Path

from llguidance import LLMatcher, LLTokenizer

SECONDS = 3
MEMORY = 128 * 1024 * 1024
"""Bytes beyond those of the process before it compiles."""


def main() -> None:
    """Read the grammar, set the limits, compile."""
    grammar = sys.stdin.read()
    # What takes long does not depend on the model's tokenizer.
    tokens = LLTokenizer("byte")
    _set_limits()
    print(LLMatcher(tokens, grammar, log_level=0).get_error())


def _set_limits() -> None:
    try:
        import resource
    except ImportError:
        # Windows has no such limits. The server's own limit of time remains.
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    pages = Path("/proc/self/statm")
    if pages.exists():
        size = int(pages.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))


if __name__ == "__main__":
    main()
