"""`cocoon script` over HTTP, in a dry run and with the embedded model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dialogue, Dropped, Failure
from cocoon.running.folder import read_run
from cocoon.tests.commands import cocoon, endpoint, said, server
from cocoon.tests.graphs.generation_cases import Says
from cocoon.tests.graphs.script_cases import ADVISED, LEAKED, REQUEST, changed, person, rater, writer


def answering(says: Says, rates: Says) -> Callable[[dict[str, Any]], tuple[int, Any]]:
    """Writer and rater behind one address, told apart by their prompts."""
    marks = ("Judge two things", "rating form", "may have thought", "Compare two texts", "Does the Supporter a")

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        text = "\n".join(message["content"] for message in request["messages"])
        return said(json.dumps((rates if any(mark in text for mark in marks) else says)(text)))

    return answer


@pytest.mark.parametrize(
    ("says", "options", "reasons"),
    [
        (writer, [], {}),
        (changed(2, draft="Is it long?", statement="Is it very long?"), [], {}),
        (changed(3, draft=ADVISED, statement=ADVISED), [], {"screen: advice": 1}),
        (changed(2, draft=LEAKED, statement=LEAKED), [], {"screen: leak": 1}),
        (changed(3, draft=REQUEST, statement=REQUEST), [], {}),
        (writer, ["--threshold", "6"], {"sieve: low_aels": 1}),
        (writer, ["-o", "pieces=1", "-o", "minimum_rounds=3"], {"check_listening: not_reached": 1}),
    ],
)
def test_every_end_of_a_script_over_http(
    tmp_path: Path, says: Says, options: list[str], reasons: dict[str, int]
) -> None:
    (tmp_path / "p.jsonl").write_bytes(dump_line(person()))
    with server(answering(says, rater)) as spec:
        given = ["script", "--profiles", str(tmp_path / "p.jsonl"), "--writer", spec, "--out", str(tmp_path / "run")]
        done = cocoon(*given, *options, "--json")
    assert done.json["dropped"] == reasons and done.json["kept"] == (0 if reasons else 1)
    assert done.code == (1 if reasons else 0)


def test_scripts_over_http_finish_with_a_reason_for_each(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with endpoint() as spec:
        given = ["script", "--profiles", "shipped", "-n", "12", "--writer", spec, "--out", str(out), "--json"]
        done = cocoon(*given)
        told = done.json
        assert cocoon(*given).json["calls"] == 0
    dropped = list(read_run(out, "dropped.jsonl", Dropped))
    assert told["kept"] + len(dropped) == 12 and not list(read_run(out, "failures.jsonl", Failure))
    assert done.code == (0 if told["kept"] else 1)


def test_a_dry_run_and_a_wrong_threshold(tmp_path: Path) -> None:
    given = ["script", "--profiles", "shipped:en", "-n", "3", "--out", str(tmp_path / "r")]
    assert "dialogues: 3" in cocoon(*given, "--dry-run").out
    wrong = cocoon(*given, "--threshold", "high")
    assert wrong.code == 2 and "share, mean, or a number" in " ".join(wrong.err.replace("│", " ").split())


@pytest.mark.slow
def test_the_embedded_model_writes_or_says_why_not(shallow_model: None, tmp_path: Path) -> None:
    out = tmp_path / "run"
    given = [
        "-n",
        "1",
        "-o",
        "writer.max_tokens=100",
        "-o",
        "rater.max_tokens=100",
        "-o",
        "pieces=2",
        "-o",
        "exchanges=1",
        "-o",
        "minimum_rounds=1",
    ]
    done = cocoon("script", "--profiles", "shipped:en", *given, "--out", str(out), "--json")
    kept = list(read_run(out, "dialogues.jsonl", Dialogue))
    dropped = list(read_run(out, "dropped.jsonl", Dropped))
    assert len(kept) + len(dropped) == 1 and done.code == (0 if kept else 1)
    assert all(one.detail for one in dropped)
