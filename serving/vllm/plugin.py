"""What vLLM calls in each of its processes (entry point `vllm.general_plugins`). It does nothing unless it is asked.

It is asked by COCOON_DIRECTIONS, files of directions or folders of them, separated as in PATH.
"""

import os
from pathlib import Path

from cocoon.core.model_spec import SERVED_DIRECTIONS


def register() -> None:
    """Steer in this process of vLLM, where COCOON_DIRECTIONS names directions."""
    paths = [Path(text).expanduser() for text in os.environ.get(SERVED_DIRECTIONS, "").split(os.pathsep) if text]
    if not paths:
        return
    from cocoon.serving.vllm.patches import install
    from cocoon.serving.vllm.requests import ServedDirections

    install(ServedDirections(paths))
