"""What the fault benchmarks share: an endpoint and our driver as processes of their own, and a place for results."""

import json
import os
import platform
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
RESULTS = HERE / "results"


def environment() -> dict[str, str]:
    """This environment with our package importable and cloud tracing off."""
    path = os.pathsep.join(filter(None, [str(HERE.parent / ".static"), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path, "LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}


@contextmanager
def endpoint(**flags: Any) -> Iterator[str]:
    """A fresh endpoint process for the length of the block; yields its base URL. A list gives its flag repeatedly."""
    command = [sys.executable, str(HERE / "endpoint/server.py"), "--port", "0"]
    for name, value in flags.items():
        for each in value if isinstance(value, list) else [value]:
            command += [f"--{name.replace('_', '-')}", str(each)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def driver(kind: str, base_url: str, out: Path, **flags: Any) -> list[str]:
    """The command of our own driver; the same command again resumes."""
    command = [
        sys.executable,
        str(HERE / "orchestration/cocoon_driver.py"),
        kind,
        "--base-url",
        base_url,
        "--out",
        str(out),
    ]
    return command + [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]


def start(command: Sequence[str]) -> "subprocess.Popen[str]":
    """The command as a process whose last line of output can be read."""
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


def finish(process: "subprocess.Popen[str]") -> tuple[int, dict[str, Any], str]:
    """Wait for a driver: its exit code, what it told as JSON, and its last words on stderr."""
    told, errors = process.communicate()
    lines = told.strip().splitlines()
    return process.returncode, json.loads(lines[-1]) if lines else {}, (errors.strip().splitlines() or [""])[-1]


def stats(base_url: str) -> dict[str, Any]:
    """What the endpoint counts."""
    with urllib.request.urlopen(f"{base_url.removesuffix('/v1')}/stats", timeout=10) as reply:
        return json.load(reply)


def save(name: str, value: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write a benchmark's figures with the machine they are from; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()}
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"machine": machine, **value}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
