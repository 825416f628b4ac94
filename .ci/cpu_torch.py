"""Installs torch's build for the processor where there is no NVIDIA card. The Makefile calls it before all else.

    python .ci/cpu_torch.py INDEX PIP ARGUMENTS... torch

On Linux a plain package index carries torch with its CUDA packages, 5 GB. From INDEX comes torch alone, so that every
other package comes from the index that pip is set to. Where nothing is to be done here, a line says why, and the step
that follows brings torch from the usual index.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

WAIT = 8.0
"""Seconds for which the index may be silent."""
USUAL = "torch comes from your usual package index"


def why_not(index: str, pip: Sequence[str]) -> str | None:
    """Return why the build for the processor is not installed from its index, or None."""
    if importlib.util.find_spec("torch"):
        return "torch is installed already"
    if platform.system() != "Linux":
        return f"{USUAL}, which has the build for the processor on {platform.system()}"
    if Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi"):
        return f"there is an NVIDIA card: {USUAL}, with its CUDA packages (5 GB)"
    if any("index-url" in argument for argument in pip) or os.environ.get("PIP_INDEX_URL"):
        return f"you named a package index: {USUAL}"
    problem = unreachable(index)
    if problem:
        return f"{index} cannot be reached ({problem}): {USUAL}, on Linux perhaps with its CUDA packages (5 GB)"
    return None


def unreachable(index: str) -> str | None:
    """Return why torch's page of an index cannot be read, or None."""
    try:
        with urllib.request.urlopen(f"{index.rstrip('/')}/torch/", timeout=WAIT):
            return None
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def main(index: str, pip: Sequence[str]) -> None:
    """Install torch from the index, or say why not. A failure leaves it to the step that follows."""
    reason = why_not(index, pip)
    if reason is None:
        print(f"[setup]     no NVIDIA card: torch's build for the processor, from {index} (200 MB)", flush=True)
        options = ["--no-deps", "--index-url", index]
        if subprocess.run([*pip[:-1], *options, pip[-1]], check=False).returncode == 0:
            return
        reason = f"that did not work: {USUAL}"
    print(f"[setup]     {reason}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
