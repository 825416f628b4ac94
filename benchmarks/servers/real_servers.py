"""Real servers, and the embedded model in this process, with the same work: simulate and judge, one after the other.

    python -m cocoon.benchmarks.servers.real_servers llama_cpp local:smollm2 [http://HOST/v1#NAME=PID ...]
        [--profiles 8] [--rounds 4] [--max-tokens 24] [--scales success] [-o KEY=VALUE ...]

`llama_cpp` starts the server of `llama_cpp.py`, in the environment that --python names. A server that runs already is
given with the process whose CPU time (children included) is counted. Prints a JSON line for each: dialogues, retries,
the prefix cache's share of the prompt tokens as the server reported it, what was learnt, and tokens per CPU second.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from cocoon.benchmarks.servers.llama_cpp import embedded_gguf
from cocoon.models.journal.reader import JournalReader

COCOON = "import sys; sys.argv[0] = 'cocoon'; from cocoon.cli.main import run; run()"
RETRIES = "select coalesce(sum(json_extract(reply, '$.retries')), 0), max(json_extract(reply, '$.latency')) from calls"


def server_cpu(pid: int | None) -> float:
    """Return the CPU seconds of a process and its children so far, 0 without one."""
    if pid is None:
        return 0.0
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def own_cpu() -> float:
    """Return the CPU seconds of this process's ended children."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def llama_cpp(python: str, slots: int, threads: int) -> Iterator[tuple[str, int]]:
    """Run llama.cpp's server, and yield its model spec and process."""
    script = Path(__file__).with_name("llama_cpp.py")
    flags = ["--gguf", str(embedded_gguf()), "--slots", str(slots), "--threads", str(threads)]
    command = [python, str(script), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"{process.stdout.readline().strip()}#smollm2", process.pid
        finally:
            process.terminate()


def measure(name: str, spec: str, pid: int | None, options: argparse.Namespace) -> dict[str, Any]:
    """Simulate and judge with one model in every role, and return the figures."""
    out = Path(tempfile.mkdtemp(prefix="cocoon-servers-")) / "run"
    words = ["simulate", "--json", "--out", str(out), "--profiles", "shipped:en", "--form-pairs", "0"]
    words += ["-n", str(options.profiles), "--rounds", str(options.rounds), "--scales", options.scales]
    words += [word for role in ("supporter", "user", "judge") for word in (f"--{role}", spec)]
    limit = f"max_tokens={options.max_tokens}"
    settings = [f"user.{limit}", f"supporters.0.{limit}", *options.option]
    words += [word for setting in settings for word in ("-o", setting)]
    before, ours_before, started = server_cpu(pid), own_cpu(), time.monotonic()
    done = subprocess.run([sys.executable, "-c", COCOON, *words], stdout=subprocess.PIPE, text=True)
    wall, ours, served = time.monotonic() - started, own_cpu() - ours_before, server_cpu(pid) - before
    summary = json.loads(done.stdout)
    journal = JournalReader(out / "journal.sqlite")
    [(retries, longest)] = journal.select(RETRIES)
    journal.close()
    models = json.loads((out / "manifest.json").read_text("utf-8"))["models"].values()
    tokens_in, tokens_out = summary["tokens_in"], summary["tokens_out"]
    return {
        "server": name,
        **{key: summary[key] for key in ("out", "dialogues", "failed", "calls", "stopped", "tokens_in", "tokens_out")},
        "retries": retries,
        "longest_call_s": longest,
        "cached_share": round(summary["tokens_cached"] / tokens_in, 3) if tokens_in else None,
        "learnt": sorted({fact for model in models for fact in (*model.get("learnt", ()), model.get("rung")) if fact}),
        "wall_s": round(wall, 1),
        "cpu_s": round(ours + served, 1),
        "cpu_s_server": round(served, 1),
        "tokens_per_cpu_s": round((tokens_in + tokens_out) / (ours + served), 2),
        "written_per_cpu_s": round(tokens_out / (ours + served), 2),
    }


def main() -> None:
    """Print one JSON line for each server."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("servers", nargs="+", help="llama_cpp, local:smollm2, or URL#NAME=PID")
    parser.add_argument("--profiles", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--scales", default="success")
    parser.add_argument("-o", "--option", action="append", default=[])
    parser.add_argument("--python", default=sys.executable, help="the Python that has xllamacpp")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    for name in options.servers:
        if name == "llama_cpp":
            with llama_cpp(options.python, options.slots, options.threads) as (spec, pid):
                figures = measure(name, spec, pid, options)
        else:
            spec, _, pid = name.partition("=")
            figures = measure(spec, spec, int(pid) if pid else None, options)
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
