"""CPU and memory of importing, counting and exporting 55,165 SMILE-like dialogues, each step in a process of its own.

python -m cocoon.benchmarks.evaluation.corpora [--dialogues 55165] [--sample FILE]
The dialogues are those of a sample (SMILE's layout, CC0) in turn, with ids of their own; without one, made-up words.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import Any

STEPS = ("import", "stats", "messages", "sharegpt", "parquet")


def write_input(file: Path, number: int, sample: Path | None) -> None:
    """A SMILE-like file of so many dialogues."""
    if sample is not None:
        dialogs = [json.loads(line)["dialog"] for line in sample.read_text("utf-8").splitlines()]
    else:
        turn = "我最近总是睡不好，想找个人说说话。" * 4
        pair = [{"role": "client", "content": turn}, {"role": "counselor", "content": turn}]
        dialogs = [pair * 6]
    with file.open("w", encoding="utf-8") as out:
        for place, dialog in enumerate(islice(cycle(dialogs), number)):
            out.write(json.dumps({"id": place, "dialog": dialog}, ensure_ascii=False) + "\n")


def work(step: str, folder: Path) -> None:
    """One step, then what it took, as JSON."""
    from cocoon.core.jsonl import dump_line, write_whole
    from cocoon.corpora.dialogue_loaders import read_corpus
    from cocoon.corpora.export.export import export_corpus
    from cocoon.evaluation.text.corpora import corpus_figures

    told: dict[str, Any] = {}
    if step == "import":
        reading = read_corpus("smile", folder / "smile.jsonl")
        write_whole(folder / "dialogues.jsonl", map(dump_line, reading.dialogues))
    elif step == "stats":
        figures = corpus_figures(read_corpus("smile", folder / "smile.jsonl").dialogues)
        told = {"dialogues": figures.dialogues, "average_turns": figures.average_turns}
    else:
        form: Any = step
        export_corpus(folder / "dialogues.jsonl", form, folder / step)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024, **told}))


def main() -> None:
    """Write the input, run every step in a process of its own, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialogues", type=int, default=55_165)
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        work(options.step, options.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_input(folder / "smile.jsonl", options.dialogues, options.sample)
        size = (folder / "smile.jsonl").stat().st_size / 1e6
        print(f"{options.dialogues} dialogues, {size:.0f} MB")
        for step in STEPS:
            command = [sys.executable, "-m", "cocoon.benchmarks.evaluation.corpora", "--step", step, "--folder", name]
            told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            per = 1000 * told["cpu"] / options.dialogues
            more = {key: value for key, value in told.items() if key not in ("cpu", "peak_mb")}
            line = f"{step:9} {told['cpu']:6.1f} s CPU, {per:.2f} ms a dialogue, peak {told['peak_mb']:.0f} MB"
            print(line, more or "")


if __name__ == "__main__":
    main()
