"""A run folder of any size for the trace page: dialogues of 19 turns, copied under new ids with texts of their own.

The templates come from `cocoon simulate` against the benchmark endpoint (guarded user, all judges), so that every file
of the run has the shape and the size that a real one has.
"""

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cocoon.benchmarks.orchestration.cocoon_driver import profiles
from cocoon.models.journal.store import text_sha
from cocoon.tests.commands import cocoon, endpoint

ROUNDS = 9
TURNS = 2 * ROUNDS + 1
FILES = ("dialogues", "ratings", "trace")
Rows = list[tuple[Any, ...]]


def make_run(out: Path, dialogues: int, supporters: Sequence[str] = ("bench",), profiles_drawn: int = 120) -> Path:
    """Write a run of so many dialogues to `out`, the supporters in turn; an existing one is kept as it is."""
    if (out / "manifest.json").exists():
        return out
    base = out.with_name(f"{out.name}-templates")
    if not (base / "manifest.json").exists():
        _simulate(base, profiles_drawn)
    out.mkdir(parents=True)
    for name in ("config.yaml", "failures.jsonl"):
        shutil.copy(base / name, out / name)
    _copy(
        base,
        out,
        [f"p{number // len(supporters):05}.{supporters[number % len(supporters)]}" for number in range(dialogues)],
    )
    shutil.copy(base / "manifest.json", out / "manifest.json")
    return out


def _simulate(base: Path, number: int) -> None:
    base.mkdir(parents=True, exist_ok=True)
    drawn = base.with_suffix(".profiles.jsonl")
    drawn.write_text("".join(f"{one.model_dump_json()}\n" for one in profiles(number)), "utf-8")
    with endpoint() as spec:
        models = ("--supporter", spec, "--user", spec, "--judge", spec)
        done = cocoon("simulate", "--out", str(base), "--profiles", str(drawn), "--rounds", str(ROUNDS), *models)
    if done.code:
        raise SystemExit(done.err)


def _copy(base: Path, out: Path, names: list[str]) -> None:
    whole = {name: _by_dialogue(base / f"{name}.jsonl", "id" if name == "dialogues" else "dialogue") for name in FILES}
    long = [one for one, (line,) in whole["dialogues"].items() if len(line["turns"]) == TURNS]
    if not long:
        raise SystemExit(f"{base}: no dialogue came to {TURNS} turns; raise the number of profiles")
    calls, texts = _journal(base / "journal.sqlite", long)
    target = _empty_journal(base / "journal.sqlite", out / "journal.sqlite")
    files = {name: (out / f"{name}.jsonl").open("w", encoding="utf-8") for name in FILES}
    shared = {sha for sha, times in _users(calls).items() if times > 1}
    target.executemany("insert or ignore into texts values (?, ?)", ((sha, texts[sha]) for sha in shared))
    for number, new in enumerate(names):
        name = long[number % len(long)]
        for kind, lines in whole.items():
            files[kind].writelines(
                f"{json.dumps(one, ensure_ascii=False)}\n" for one in _renamed(lines[name], new, number)
            )
        _add_calls(target, calls[name], texts, shared, f"{new}.0", number)
    target.commit()
    target.close()
    for file in files.values():
        file.close()


def _renamed(lines: list[dict[str, Any]], new: str, number: int) -> Iterator[dict[str, Any]]:
    profile, _, supporter = new.partition(".")
    for line in lines:
        if "turns" in line:
            turns = [turn | {"content": f"({number}) {turn['content']}"} for turn in line["turns"]]
            told = {"id": f"{new}.0", "supporter": supporter, "sample": 0, "turns": turns}
            yield line | told | {"profile": line["profile"] | {"id": profile}}
        else:
            told = {"dialogue": f"{new}.0"}
            if "profile" in line:
                told |= {"profile": profile, "supporter": supporter, "sample": 0}
            yield line | told


def _by_dialogue(path: Path, key: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    with path.open(encoding="utf-8") as file:
        for line in map(json.loads, file):
            found.setdefault(line[key], []).append(line)
    return found


def _journal(path: Path, names: list[str]) -> tuple[dict[str, Rows], dict[str, str]]:
    with sqlite3.connect(path) as connection:
        calls = {
            name: connection.execute("select * from calls where dialogue = ?", (name,)).fetchall() for name in names
        }
        texts = dict(connection.execute("select sha, text from texts"))
    return calls, texts


def _users(calls: dict[str, Rows]) -> Counter[str]:
    """In how many dialogues each text is used."""
    return Counter(sha for rows in calls.values() for sha in {sha for row in rows for _, sha in json.loads(row[7])})


def _empty_journal(base: Path, path: Path) -> sqlite3.Connection:
    target = sqlite3.connect(path)
    with sqlite3.connect(base) as source:
        for (statement,) in source.execute("select sql from sqlite_master where type = 'table'").fetchall():
            target.execute(statement)
        target.executemany("insert into about values (?, ?)", source.execute("select * from about").fetchall())
    return target


def _add_calls(
    target: sqlite3.Connection, rows: Rows, texts: dict[str, str], shared: set[str], new: str, number: int
) -> None:
    own: dict[str, str] = {}
    for row in rows:
        request = json.loads(row[7])
        for pair in request:
            if pair[1] not in shared:
                text = f"({number}) {texts[pair[1]]}"
                pair[1] = own.setdefault(text, text_sha(text))
        target.execute(
            f"insert into calls values ({','.join('?' * len(row))})", (new, *row[1:7], json.dumps(request), *row[8:])
        )
    target.executemany("insert or ignore into texts values (?, ?)", ((sha, text) for text, sha in own.items()))
