"""What each export of a run costs: CPU, peak memory and size, Inspect's log beside the writer of inspect-ai itself.

    python -m cocoon.benchmarks.exports [--dialogues 3500] [--peer 3500]        0 leaves a part out

The run has that many dialogues of 19 turns with their calls, ratings and trace: those of `cocoon simulate` against the
benchmark endpoint (guarded user, all judges) that came to 19 turns, repeated under new ids. Every figure comes from a
process of its own. inspect-ai takes a log whole: its process first reads ours back, and only `write_eval_log` is timed.
"""

import argparse
import json
import os
import re
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from cocoon.benchmarks.orchestration.processes import save, table

ROUNDS = 9
TURNS = 2 * ROUNDS + 1
PROFILES = 120
FILES = ("dialogues", "ratings", "trace")


def simulate(out: Path) -> Path:
    """A run whose users may leave early."""
    from cocoon.benchmarks.orchestration.cocoon_driver import profiles
    from cocoon.tests.commands import cocoon, endpoint

    drawn = out.with_suffix(".profiles.jsonl")
    drawn.write_text("".join(f"{one.model_dump_json()}\n" for one in profiles(PROFILES)), "utf-8")
    with endpoint() as spec:
        models = ("--supporter", spec, "--user", spec, "--judge", spec, "-o", "form_pairs=0")
        done = cocoon("simulate", "--out", str(out), "--profiles", str(drawn), "--rounds", str(ROUNDS), *models)
    if done.code:
        raise SystemExit(done.err)
    return out


def make_run(base: Path, out: Path, dialogues: int) -> Path:
    """A run of so many dialogues, copied from the longest of `base`; (profile, repeat) names each once."""
    out.mkdir()
    (out / "config.yaml").write_bytes((base / "config.yaml").read_bytes())
    (out / "failures.jsonl").write_bytes(b"")
    lines = {name: (base / f"{name}.jsonl").read_text("utf-8").splitlines(keepends=True) for name in FILES}
    told = [json.loads(line) for line in lines["dialogues"]]
    names = [one["id"] for one in told if len(one["turns"]) == TURNS]
    if not names:
        raise SystemExit(f"{base}: no dialogue came to {TURNS} turns")
    pairs = [(names[number % len(names)], number // len(names)) for number in range(dialogues)]
    for name in FILES:
        own = {old: [line for line in lines[name] if f'"{old}"' in line] for old in names}
        with (out / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for old, repeat in pairs:
                file.writelines(_renamed(line, old, repeat) for line in own[old])
    _journal(base / "journal.sqlite", out / "journal.sqlite", pairs)
    (out / "manifest.json").write_bytes((base / "manifest.json").read_bytes())
    return out


def _new(old: str, repeat: int) -> str:
    return f"{old.rpartition('.')[0]}.{repeat}"


def _renamed(line: str, old: str, repeat: int) -> str:
    return line.replace(f'"{old}"', f'"{_new(old, repeat)}"').replace('"sample":0', f'"sample":{repeat}', 1)


def _journal(base: Path, out: Path, pairs: list[tuple[str, int]]) -> None:
    rest = "node, ordinal, vote, attempt, fingerprint, model, request, reply, answered_at"
    with sqlite3.connect(base) as source:
        source.execute("pragma wal_checkpoint(truncate)")
        source.execute("attach ? as copy", (str(out),))
        for (statement,) in source.execute("select sql from sqlite_master where type = 'table'").fetchall():
            source.execute(re.sub("create table ", "create table copy.", statement, count=1, flags=re.IGNORECASE))
        for name in ("texts", "about"):
            source.execute(f"insert into copy.{name} select * from main.{name}")
        source.executemany(
            f"insert into copy.calls select ?, {rest} from main.calls where dialogue = ?",
            [(_new(old, repeat), old) for old, repeat in pairs],
        )
    source.close()


def _inspect(run: Path, out: Path) -> None:
    from cocoon.exports.inspect_ai.log import export_inspect
    from cocoon.running.reading.reader import RunReader

    export_inspect(RunReader(run), out / "run.eval")


def _otel(run: Path, out: Path) -> None:
    from cocoon.exports.otel.export import OtelExport
    from cocoon.running.reading.reader import RunReader

    OtelExport(RunReader(run)).to_file(out / "run.otlp.jsonl")


def _otel_sent(run: Path, out: Path) -> None:
    from cocoon.exports.otel.export import OtelExport
    from cocoon.running.reading.reader import RunReader

    OtelExport(RunReader(run)).to_endpoint((out / "endpoint").read_text())


def _tables(form: str) -> Callable[[Path, Path], None]:
    def work(run: Path, out: Path) -> None:
        from cocoon.exports.tables.export import export_tables
        from cocoon.running.reading.reader import RunReader

        export_tables(RunReader(run), out / "tables", form)

    return work


def _csv(run: Path, out: Path) -> None:
    _tables("csv")(run, out)


def _parquet(run: Path, out: Path) -> None:
    _tables("parquet")(run, out)


def _messages(run: Path, out: Path) -> None:
    from cocoon.corpora.export.export import export_corpus

    export_corpus(run / "dialogues.jsonl", "messages", out / "messages")


def _theirs(log: Path, out: Path) -> tuple[float, float]:
    """Read our log, then write it with inspect-ai: CPU seconds and size in MB of the writing alone."""
    from inspect_ai.log import read_eval_log, write_eval_log

    whole = read_eval_log(str(log))
    start = time.process_time()
    write_eval_log(whole, str(out / "theirs.eval"))
    return time.process_time() - start, _size(out)


EXPORTS: dict[str, Callable[[Path, Path], None]] = {
    "Inspect log": _inspect,
    "OpenTelemetry, file": _otel,
    "OpenTelemetry, sent": _otel_sent,
    "tables, CSV": _csv,
    "tables, Parquet": _parquet,
    "messages": _messages,
}


def _calls(run: Path) -> int:
    with sqlite3.connect(run / "journal.sqlite") as journal:
        (found,) = journal.execute("select count(*) from calls").fetchone()
    journal.close()
    return found


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _measured(work: Callable[[Path, Path], Any], run: Path, out: Path) -> dict[str, float]:
    start = time.process_time()
    told = work(run, out)
    cpu, size = told if told else (time.process_time() - start, _size(out))
    return {"cpu_s": cpu, "size_mb": size, "peak_mb": _peak()}


def _peak() -> float:
    """The most memory of this process in MB; getrusage would tell that of the process it was forked from."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) / 1024


def measure(work: Callable[[Path, Path], Any], run: Path, endpoint: str = "") -> dict[str, float]:
    """One export in a fresh process, into a folder that is then thrown away."""
    with tempfile.TemporaryDirectory(prefix="cocoon-export-") as name, get_context("spawn").Pool(1) as pool:
        if endpoint:
            (Path(name) / "endpoint").write_text(endpoint)
        return pool.apply(_measured, (work, run, Path(name)))


class _Sink(BaseHTTPRequestHandler):
    """Takes all that is sent and counts it."""

    taken = 0

    def do_POST(self) -> None:
        type(self).taken += len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=3_500)
    parser.add_argument("--peer", type=int, default=3_500, help="dialogues of the comparison with inspect-ai")
    parser.add_argument("--repeats", type=int, default=1, help="of the comparison")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="cocoon-exports-") as name:
        place = Path(name)
        base = simulate(place / "base")
        if options.dialogues:
            _exports(base, place, options.dialogues)
        if options.peer:
            _peer(make_run(base, place / "peer", options.peer), place, options)
    return 0


def _exports(base: Path, place: Path, dialogues: int) -> None:
    """Every export, at the full size and at a tenth of it."""
    small, whole = (make_run(base, place / name, n) for name, n in (("small", dialogues // 10), ("whole", dialogues)))
    rows = [_both(title, work, small, whole) for title, work in EXPORTS.items()]
    print(f"{dialogues} dialogues of {TURNS} turns, {_calls(whole)} calls, {_size(whole):.0f} MB of run folder\n")
    heads = ["export", "CPU s", "MB out", "peak RSS MB", "at a tenth of the dialogues", "CPU ms a dialogue"]
    told = [[one["export"], *_shown(one), f"{one['cpu_s'] * 1000 / dialogues:.1f}"] for one in rows]
    print(table(heads, told))
    grown = max(one["peak_mb"] - one["tenth_peak_mb"] for one in rows) * 1024 / (dialogues - dialogues // 10)
    print(f"\n{grown:.1f} kB of memory at most for a further dialogue")
    print(f"written to {save('exports', {'dialogues': dialogues, 'run_mb': _size(whole), 'exports': rows})}\n")


def _shown(one: dict[str, Any]) -> list[str]:
    return [f"{one['cpu_s']:.1f}", f"{one['size_mb']:.1f}", f"{one['peak_mb']:.0f}", f"{one['tenth_peak_mb']:.0f}"]


def _both(title: str, work: Callable[[Path, Path], None], small: Path, whole: Path) -> dict[str, Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sink) as sink:
        thread = threading.Thread(target=sink.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{sink.server_address[1]}" if "sent" in title else ""
        tenth = measure(work, small, url)
        _Sink.taken = 0
        found = measure(work, whole, url)
        sink.shutdown()
        thread.join()
    sent = {"size_mb": _Sink.taken / 1e6} if url else {}
    return {"export": title, **found, **sent, "tenth_peak_mb": tenth["peak_mb"]}


def _peer(run: Path, place: Path, options: argparse.Namespace) -> None:
    """Ours and theirs in turn, on the same dialogues."""
    (place / "log").mkdir()
    _inspect(run, place / "log")
    ours, theirs = [], []
    for _ in range(options.repeats):
        ours.append(measure(_inspect, run))
        theirs.append(measure(_theirs, place / "log" / "run.eval"))
    keys = ("cpu_s", "size_mb", "peak_mb")
    mean = [[median(one[key] for one in some) for key in keys] for some in (ours, theirs)]
    ratios = [there / here for here, there in zip(*mean, strict=True)]
    print(f"Inspect log of {options.peer} dialogues, medians of {options.repeats}, in turn\n")
    names = ["cocoon (reads the run, writes)", "inspect-ai write_eval_log (writing alone)", "ratio"]
    lines = [[name, *(f"{x:.2f}" for x in some)] for name, some in zip(names, [*mean, ratios], strict=True)]
    print(table(["writer", "CPU s", "MB out", "peak RSS MB"], lines))
    print(f"\nwritten to {save('exports_inspect', {'options': vars(options), 'ours': ours, 'theirs': theirs})}")


if __name__ == "__main__":
    sys.exit(main())
