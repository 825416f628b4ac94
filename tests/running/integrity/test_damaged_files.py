"""Every file of a run damaged in every way: each reading command ends in a line or a result, and `verify` tells."""

import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cocoon.tests.commands import cocoon
from cocoon.tests.running.integrity.damaged_runs import copied, make_run

Damage = Callable[[bytes], bytes]
DIGITS = b"1" * 10_000
DEEP = 1_500


def flipped(share: float) -> Damage:
    """Return a damage that turns one bit at a share of the length."""

    def damage(data: bytes) -> bytes:
        place = int(len(data) * share)
        return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]

    return damage


def without_key(key: str) -> Damage:
    """Return a damage that takes a key from the first line."""

    def damage(data: bytes) -> bytes:
        first, *others = data.splitlines(keepends=True)
        value = json.loads(first)
        del value[key]
        return json.dumps(value).encode() + b"\n" + b"".join(others)

    return damage


def random_bytes(data: bytes) -> bytes:
    return random.Random(len(data)).randbytes(max(100, len(data)))


def many_references(data: bytes) -> bytes:
    """Return YAML of a few lines that stands for thousands of millions of values."""
    lines = [b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)]
    return b"a0: &a0 [x]\n" + b"".join(lines) + data


ANY: dict[str, Damage] = {
    "empty": lambda data: data[:0],
    "half": lambda data: data[: len(data) // 2],
    "random": random_bytes,
    "flipped early": flipped(0.1),
    "flipped in the middle": flipped(0.5),
    "flipped late": flipped(0.9),
    "not UTF-8": lambda data: data[: len(data) // 3] + b"\xe9\xff" + data[len(data) // 3 :],
}
TEXT: dict[str, Damage] = {
    "a number of 10,000 digits": lambda data: data.replace(b":0,", b":" + DIGITS + b",", 1) + DIGITS,
    "not a number": lambda data: data.replace(b":0,", b":NaN,", 1) + b"NaN\n",
    "1,500 deep": lambda data: b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"\n" + data,
}
LINES: dict[str, Damage] = (
    ANY
    | TEXT
    | {
        "a BOM and one word": lambda data: b"\xef\xbb\xbf" + data.replace(b"0", b"1", 1),
        "a list": lambda data: b"[]\n" + data,
        "null": lambda data: b"null\n" + data,
        "every line twice": lambda data: data + data,
        "half a surrogate": lambda data: data.replace(b'":"', b'":"\\ud800', 1),
    }
)
DAMAGES: dict[str, dict[str, Damage]] = {
    "dialogues.jsonl": LINES | {"a line without id": without_key("id"), "without turns": without_key("turns")},
    "ratings.jsonl": LINES | {"a line without scale": without_key("scale")},
    "failures.jsonl": ANY | {"without a reason": without_key("reason")},
    "trace.jsonl": LINES | {"without a graph": without_key("graph"), "without a step": without_key("step")},
    "manifest.json": ANY | TEXT,
    "config.yaml": ANY
    | {
        "1,500 deep": lambda data: data + b"a: " + b"[" * DEEP,
        "a number of 10,000 digits": lambda data: data.replace(b"seed: 0", b"seed: " + DIGITS),
        "many references": many_references,
    },
    "scales/gentleness.yaml": ANY | {"30,000 deep": lambda _: b"a: " + b"[" * 30_000},
    "journal.sqlite": ANY
    | {f"flipped at {share} %": flipped(share / 100) for share in range(3, 100, 16)}
    | {"other words": lambda data: data.replace(b'{"text":"', b'{"text":"N', 1)[: len(data)]},
    "report_sources.json": ANY,
}
# A hash that is damaged tells of the file that it stands for.
HOLD_HASHES = ("journal.sqlite", "report_sources.json")
CASES = [(name, damage) for name, damages in DAMAGES.items() for damage in damages]
READERS: dict[str, str] = {
    "dialogues.jsonl": "report questions fidelity view tables messages otel inspect compare power corpus judge",
    "ratings.jsonl": "report fidelity view tables inspect compare power like",
    "failures.jsonl": "report view tables compare",
    "trace.jsonl": "graph view tables inspect otel",
    "manifest.json": "report view compare inspect",
    "config.yaml": "config report view inspect compare",
    "scales/gentleness.yaml": "report view inspect judge",
    "journal.sqlite": "report view tables otel inspect",
    "report_sources.json": "report",
}


def commands(run: Path, whole: Path, out: Path) -> dict[str, list[str]]:
    """The commands that read a run, by the word for each in READERS."""
    judge = ["judge", str(run), "--judge", "http://127.0.0.1:9/v1#none", "--dry-run"]
    exports = {kind: ["export", str(run), "--to", kind, "-o", str(out / kind)] for kind in ("tables", "messages")}
    return {
        **exports,
        "otel": ["export", str(run), "--to", "otel", "--content", "-o", str(out / "spans.jsonl")],
        "inspect": ["export", str(run), "--to", "inspect", "-o", str(out / "log.eval")],
        "report": ["report", str(run), "--out", str(out / "report")],
        "like": ["report", str(run), "--like", "table3", "--out", str(out / "like")],
        "questions": ["questions", str(run), "--sentences"],
        "fidelity": ["fidelity", str(run)],
        "view": ["view", str(run), "--export", str(out / "page")],
        "compare": ["compare", str(run), str(whole)],
        "graph": ["graph", str(run), "-o", str(out / "graphs")],
        "config": ["config", "show", "--config", str(run / "config.yaml")],
        "power": ["power", "--run", str(run), "--difference", "1"],
        "corpus": ["corpus", "stats", "jsonl", str(run / "dialogues.jsonl")],
        "judge": judge,
    }


def rows_of(run: Path) -> list[object] | None:
    """Return all that a journal holds, None where it cannot be read. A file has bytes that stand for nothing."""
    tables = ("calls", "texts", "utterances", "seals", "about")
    with closing(sqlite3.connect(f"file:{run / 'journal.sqlite'}?immutable=1", uri=True)) as journal:
        try:
            return [journal.execute(f"select * from {table}").fetchall() for table in tables]
        except sqlite3.Error:
            return None


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    make_run(out)
    return out


@pytest.fixture
def damaged(request: pytest.FixtureRequest, whole: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    name, damage = request.param
    run = copied(whole, tmp_path / "run")
    data = (run / name).read_bytes()
    changed = DAMAGES[name][damage](data)
    assert changed != data
    (run / name).write_bytes(changed)
    yield name, run


@pytest.mark.parametrize("damaged", CASES, indirect=True, ids=[f"{name}: {damage}" for name, damage in CASES])
def test_no_reader_breaks_on_a_damaged_file_and_the_damage_is_told(
    damaged: tuple[str, Path], whole: Path, tmp_path: Path
) -> None:
    name, run = damaged
    (tmp_path / "out").mkdir()
    told = cocoon("verify", str(run))
    if name not in HOLD_HASHES:
        assert told.code == 1 and name in told.out, told.out
    elif rows_of(run) != rows_of(whole) or name != "journal.sqlite":
        assert told.code == 1, told.out
    every = commands(run, whole, tmp_path / "out")
    for reader in READERS[name].split():
        done = cocoon(*every[reader])
        assert done.code in (0, 1, 2), reader
        assert done.err.count("cocoon: ") == (done.code == 2), f"{reader}: {done.err}"


@pytest.mark.parametrize("name", [*DAMAGES, "report.md"])
def test_a_file_that_is_gone_is_told(name: str, whole: Path, tmp_path: Path) -> None:
    run = copied(whole, tmp_path / "run", lambda run: (run / name).unlink())
    done = cocoon("verify", str(run))
    if name == "report_sources.json":
        assert "report.md: it is not known what it was made of" in done.err
    else:
        assert done.code == 1 and name in done.out, done.out
