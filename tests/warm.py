"""Processes of their own that start with torch and its libraries loaded: forks of a server that imported them once.

They are real processes: they can be killed, interrupted and run side by side, and share nothing with the tests.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.tests.commands import Done

LIBRARIES = [
    "cocoon.cli.main",
    "cocoon.models.local.sampling",
    "cocoon.training.fit.sft",
    "datasets",
    "gguf",
    "peft",
    "torch",
    "transformers.models.llama.modeling_llama",
    "transformers.trainer",
    "trl.trainer.sft_trainer",
]


@dataclass(frozen=True)
class WarmProcess:
    """A started process, with the files that take what it writes."""

    process: Any
    out: Path
    err: Path

    def first_line(self) -> str:
        """Wait for the first line of its output, and return it (empty when the process ends without one)."""
        while "\n" not in self.out.read_text("utf-8") and self.process.is_alive():
            time.sleep(0.02)
        return self.out.read_text("utf-8").partition("\n")[0]

    def shown(self, words: str) -> str:
        """Wait until it has written these words as a message, and return what follows them."""
        while words not in self.err.read_text("utf-8") and self.process.is_alive():
            time.sleep(0.02)
        return self.err.read_text("utf-8").partition(words)[2]

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    def end(self) -> Done:
        """Wait for its end, and return how it ended. The code is minus the signal where a signal ended it."""
        self.process.join()
        code = self.process.exitcode
        self.process.close()
        return Done(code, self.out.read_text("utf-8"), self.err.read_text("utf-8"))


def start(
    work: Callable[..., Any], *arguments: Any, folder: Path, name: str = "process", **environment: str
) -> WarmProcess:
    """Call `work` in a process of its own, in `folder`, and print what it returns."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    out, err = (folder / f"{name}.{kind}" for kind in ("out", "err"))
    out.touch()
    err.touch()
    process = context.Process(target=_run, args=(folder, out, err, environment, work, arguments))
    process.start()
    return WarmProcess(process, out, err)


def start_cocoon(*words: str, folder: Path, name: str = "process", **environment: str) -> WarmProcess:
    """Run `cocoon WORDS` in a process of its own, in `folder`."""
    return start(_cocoon, *words, folder=folder, name=name, **environment)


def launch_cocoon(processes: int, words: Sequence[str]) -> None:
    """Run `cocoon WORDS` in several processes that know of each other, as `torchrun` does, for use with `start`."""
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    one_machine: dict[str, Any] = {
        "min_nodes": 1,
        "max_nodes": 1,
        "rdzv_backend": "c10d",
        "rdzv_endpoint": "localhost:0",
    }
    config = LaunchConfig(nproc_per_node=processes, run_id="tests", start_method="fork", **one_machine)
    elastic_launch(config, _cocoon)(*words)
    raise SystemExit


def _run(
    folder: Path,
    out: Path,
    err: Path,
    environment: Mapping[str, str],
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    os.chdir(folder)
    os.environ.update(environment)
    for path, descriptor in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), descriptor)
    print(work(*arguments))


def _cocoon(*words: str) -> None:
    from cocoon.cli.main import run

    sys.argv = ["cocoon", *words]
    run()
