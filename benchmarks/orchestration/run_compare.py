"""Whether two run folders hold the same but for times, and which requests a journal answers."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cocoon.agents.users.appraiser import appraisal_answer
from cocoon.benchmarks.endpoint.answers import request_sha
from cocoon.core.answers import TypedAnswer, schema_of
from cocoon.evaluation.scales.scoring import load_scale, scale_answer, shipped_scales
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER, NamedAnswer, VerdictAnswer

# What happened when it happened, and may differ between two runs that came to the same: the seconds a reply took,
# how often it was tried, and when it was answered. Nothing else is left out of the comparison but the sessions.
TIMES = ("latency", "retries", "answered_at")
_SAME_BYTES = ("dialogues.jsonl", "profiles.jsonl", "ratings.jsonl", "dropped.jsonl", "failures.jsonl", "config.yaml")


def differences(one: Path, other: Path) -> list[str]:
    """The parts in which two run folders differ but for times; empty when they are equal."""
    found = [name for name in _SAME_BYTES if _bytes(one / name) != _bytes(other / name)]
    pairs = {"names of files": _names, "trace.jsonl": _trace, "journal.sqlite": _journal}
    found += [name for name, read in pairs.items() if read(one) != read(other)]
    before, after = _manifest(one), _manifest(other)
    return found + [f"manifest.json: {key}" for key in before | after if before.get(key) != after.get(key)]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _trace(folder: Path) -> list[dict[str, Any]]:
    return [_without_times(json.loads(line)) for line in (folder / "trace.jsonl").read_text("utf-8").splitlines()]


def _without_times(value: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name not in TIMES}


def _manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text("utf-8")) | {"sessions": []}


def _journal(folder: Path) -> tuple[list[Any], ...]:
    place = "dialogue, node, ordinal, vote, attempt"
    with open_copy(folder) as journal:
        calls = journal.execute(f"select {place}, fingerprint, model, request, reply from calls order by {place}")
        told = [(*row[:-1], _without_times(json.loads(row[-1]))) for row in calls]
        others = [journal.execute(f"select * from {name} order by 1").fetchall() for name in ("texts", "about")]
    return told, *others


@contextmanager
def open_copy(folder: Path) -> Iterator[sqlite3.Connection]:
    """A copy of a run's journal: looking at the original would already mend what a killed process left."""
    with tempfile.TemporaryDirectory() as place:
        for path in folder.glob("journal.sqlite*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, place)
        with closing(sqlite3.connect(Path(place) / "journal.sqlite")) as journal:
            yield journal


def answered_requests(folder: Path, model: str) -> set[str]:
    """The endpoint's hashes of all requests whose answers the journal holds; `model` as the endpoint is told it."""
    if not (folder / "journal.sqlite").exists():
        return set()
    schemas = _schemas()
    with open_copy(folder) as journal:
        if not journal.execute("select 1 from sqlite_master where name = 'calls'").fetchone():
            return set()
        texts = dict(journal.execute("select sha, text from texts").fetchall())
        calls = journal.execute("select node, request, json_extract(reply, '$.rung') from calls").fetchall()
    found = set()
    for node, request, rung in calls:
        messages = [{"role": role, "content": texts[sha]} for role, sha in json.loads(request)]
        forms = schemas[_judge_of(node)] if rung == "json_schema" else [None]
        found |= {request_sha(model, messages, form) for form in forms}
    return found


def _schemas() -> dict[str, list[Any]]:
    """Return the schemas that a call of each name may have been made with: an appraisal's depends on the chain."""
    kinds: dict[str, list[type[TypedAnswer]]] = {name: [scale_answer(load_scale(name))] for name in shipped_scales()}
    kinds |= {PAPER: [NamedAnswer], ATTRIBUTED: [VerdictAnswer]}
    kinds["appraise"] = [appraisal_answer(nodes) for nodes in range(4)]
    return {name: [schema_of(kind) for kind in of_name] for name, of_name in kinds.items()}


def _judge_of(node: str) -> str:
    """The judge that a journalled node names (`judge:basic.SHA:...`), or the node itself."""
    return node.split(":")[1].split(".")[0] if node.startswith("judge:") else node
