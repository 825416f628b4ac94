"""Batches over HTTP: submit, leave, come back. Nothing is asked twice, whatever fails or is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cocoon.benchmarks.endpoint.batches import BatchEndpoint, Faults, batch_endpoint
from cocoon.core.jsonl import dump_line, read_lines
from cocoon.core.records import Dialogue, Profile, Turn
from cocoon.models.journal.store import Journal
from cocoon.models.journal.submitted import SubmittedCalls
from cocoon.reports.runs import facts_of_run
from cocoon.tests.commands import Done, cocoon
from cocoon.tests.conversations import ROOT

SCALES = "success,basic,comfort"
RATINGS = 4


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCOON_API_KEY", "none")


def talks(folder: Path, number: int) -> str:
    """A file of so many different dialogues."""
    file = folder / "talks.jsonl"
    file.write_bytes(b"".join(dump_line(talk(name)) for name in range(number)))
    return str(file)


def talk(number: int) -> Dialogue:
    profile = Profile(id=f"p{number}", language="en", feeling=f"tired, {number}", need=f"rest {number} hours")
    words = [("supporter", "You look low."), ("user", f"I slept {number} hours."), ("supporter", "That is short.")]
    turns = [Turn.model_validate({"role": role, "content": content}) for role, content in words]
    return Dialogue(id=f"d{number}", profile=profile, language="en", supporter="s", turns=turns)


def line(endpoint: BatchEndpoint, file: str, out: Path, *more: str) -> list[str]:
    judge = ("--judge", f"{endpoint.url}#bench", "--scales", SCALES, "--out", str(out))
    return ["judge", file, *judge, "-o", "batch_every=0.01", "--json", *more]


def ratings(out: Path) -> list[Any]:
    return [rating for _, rating in read_lines(out / "ratings.jsonl")]


def out_in_batches(out: Path) -> int:
    """How many calls the journal knows to be out."""
    journal = Journal(out / "journal.sqlite")
    try:
        submitted = SubmittedCalls(journal)
        return sum(len(submitted.out(batch.name)) for batch in submitted.open())
    finally:
        journal.close()


def judged(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    return done.json


@pytest.mark.parametrize(
    ("faults", "most"),
    # A verdict that is asked for again takes a second batch, and each of the two calls may be left unanswered once.
    [(Faults(), 2), (Faults(failing=0.2, expired=0.2), 4), (Faults(refused=400), 3)],
    ids=["none", "some fail and some expire", "a format is refused"],
)
def test_ratings_from_batches_are_those_of_live_calls(tmp_path: Path, faults: Faults, most: int) -> None:
    file = talks(tmp_path, 12)
    with batch_endpoint(faults) as endpoint:
        summary = judged(cocoon(*line(endpoint, file, tmp_path / "batch", "--batch")))
        single, calls = endpoint.single, sum(endpoint.answered.values())
        assert max(endpoint.answered.values()) == 1 and single == 0
        assert 1 <= len(endpoint.batches) <= most
        judged(cocoon(*line(endpoint, file, tmp_path / "live")))
    assert ratings(tmp_path / "batch") == ratings(tmp_path / "live")
    assert len(ratings(tmp_path / "live")) == 12 * RATINGS
    assert (summary["calls"], summary["replayed"]) == (calls, 0) == (facts_of_run(tmp_path / "batch")["calls"], 0)


def test_the_items_of_a_scale_that_is_asked_item_by_item_go_out_together(tmp_path: Path) -> None:
    file = talks(tmp_path, 2)
    with batch_endpoint() as endpoint:
        command = line(endpoint, file, tmp_path / "run", "--batch")
        command[command.index(SCALES)] = "esc_rank"
        summary = judged(cocoon(*command))
        assert (len(endpoint.batches), sum(endpoint.answered.values()), summary["calls"]) == (1, 12, 12)


def test_a_batch_is_left_and_fetched_by_the_same_command_at_half_the_price(tmp_path: Path) -> None:
    file, out = talks(tmp_path, 3), tmp_path / "run"
    with batch_endpoint(looks=10**6) as endpoint:
        prices = ("-o", f"prices={{'{endpoint.url}#bench': [10, 20]}}", "--concurrency", "2")
        live = judged(cocoon(*line(endpoint, file, out, *prices, "--dry-run")))
        batch = judged(cocoon(*line(endpoint, file, out, *prices, "--dry-run", "--batch")))
        assert batch["calls"] == live["calls"] and batch["price_share"] == 0.5
        assert batch["cost_estimated"] == pytest.approx(live["cost_estimated"] / 2, abs=0.01)

        endpoint.hook = lambda *_: interrupt_after(endpoint, 3)
        left = cocoon(*line(endpoint, file, out, *prices, "--batch"))
        assert left.code == 130 and "run the same command again to fetch them" in left.err
        assert out_in_batches(out) == 3 * RATINGS and ratings(out) == []
        refused = cocoon(*line(endpoint, file, out, *prices))
        assert refused.code == 2 and "with --batch, first" in refused.err

        endpoint.looks, endpoint.hook = 1, lambda *_: None
        summary = judged(cocoon(*line(endpoint, file, out, *prices, "--batch")))
        assert len(ratings(out)) == 3 * RATINGS and max(endpoint.answered.values()) == 1
    assert summary["cost"] == pytest.approx((summary["tokens_in"] * 10 + summary["tokens_out"] * 20) / 2e6, abs=1e-4)


def interrupt_after(endpoint: BatchEndpoint, looks: int) -> None:
    if any(batch["looks"] == looks for batch in endpoint.batches.values()):
        os.kill(os.getpid(), signal.SIGINT)


# `benchmarks/batches.py` kills at 20 points.
@pytest.mark.parametrize(
    ("moment", "when"), [("POST /v1/files", "before"), ("POST /v1/batches", "after"), ("GET /v1/files/", "after")]
)
def test_a_killed_command_asks_nothing_twice(tmp_path: Path, moment: str, when: str) -> None:
    file, out = talks(tmp_path, 3), tmp_path / "run"
    with batch_endpoint() as endpoint:
        command = [sys.executable, "-m", "cocoon.cli.main", *line(endpoint, file, out, "--batch")]
        environment = os.environ | {"PYTHONPATH": str(ROOT / ".static")}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

        def kill(name: str, phase: str) -> None:
            if name.startswith(moment) and phase == when:
                process.send_signal(signal.SIGKILL)
                process.wait()

        endpoint.hook = kill
        assert process.wait(60) == -signal.SIGKILL
        endpoint.hook = lambda *_: None
        judged(cocoon(*line(endpoint, file, out, "--batch")))
        assert max(endpoint.answered.values()) == 1
    assert len(ratings(out)) == 3 * RATINGS


def test_a_budget_sends_no_call_more(tmp_path: Path) -> None:
    file, out = talks(tmp_path, 3), tmp_path / "run"
    with batch_endpoint() as endpoint:
        stopped = cocoon(*line(endpoint, file, out, "--batch", "--budget-calls", "5"))
        assert stopped.code == 3 and sum(endpoint.answered.values()) == 5
        judged(cocoon(*line(endpoint, file, out, "--batch")))
        assert max(endpoint.answered.values()) == 1
    assert len(ratings(out)) == 3 * RATINGS


def test_a_cancelled_batch_keeps_what_was_answered_and_the_rest_is_asked_again(tmp_path: Path) -> None:
    file, out = talks(tmp_path, 3), tmp_path / "run"
    with batch_endpoint(Faults(expired=0.5)) as endpoint:
        endpoint.expired_as = "cancelled"
        stopped = cocoon(*line(endpoint, file, out, "--batch"))
        assert stopped.code == 130 and "was cancelled at its server" in stopped.err
        endpoint.expired_as = "expired"
        judged(cocoon(*line(endpoint, file, out, "--batch")))
        assert max(endpoint.answered.values()) == 1
    assert len(ratings(out)) == 3 * RATINGS


def test_a_batch_that_its_server_refuses_is_told_and_asked_again(tmp_path: Path) -> None:
    file, out = talks(tmp_path, 1), tmp_path / "run"
    with batch_endpoint() as endpoint:

        def refuse(name: str, _: str) -> None:
            if name.startswith("GET /v1/batches/"):
                failed = {"status": "failed", "errors": {"data": [{"message": "this model takes no batches"}]}}
                endpoint.batches["batch_0"] |= failed

        endpoint.hook = refuse
        stopped = cocoon(*line(endpoint, file, out, "--batch"))
        assert stopped.code == 2 and "this model takes no batches" in stopped.err
        endpoint.hook = lambda *_: None
        judged(cocoon(*line(endpoint, file, out, "--batch")))
    assert len(ratings(out)) == RATINGS


def test_a_server_without_batches_is_answered_from_a_file_beside(tmp_path: Path) -> None:
    file, out = talks(tmp_path, 2), tmp_path / "run"
    with batch_endpoint() as endpoint:
        handle = endpoint.handle
        endpoint.handle = lambda *_: (404, b"{}")  # pyright: ignore[reportAttributeAccessIssue]
        done = cocoon(*line(endpoint, file, out, "--batch"))
        assert done.code == 2 and "vllm run-batch -i" in done.err
        (requests,) = (out / "batches").glob("*.jsonl")
        endpoint.handle = handle
        endpoint.batches["b"] = {"input_file_id": "in", "status": "", "looks": 0, "request_counts": {}}
        endpoint.files["in"] = requests.read_bytes()
        endpoint.looks = 0
        endpoint.handle("GET", "/v1/batches/b", b"")
        endpoint.batches["b"]["status"] = "in_progress"
        endpoint.handle("GET", "/v1/batches/b", b"")
        requests.with_suffix(".output.jsonl").write_bytes(endpoint.files[endpoint.batches["b"]["output_file_id"]])
        judged(cocoon(*line(endpoint, file, out, "--batch")))
    assert len(ratings(out)) == 2 * RATINGS


def test_profiles_and_scripts_are_built_in_batches_as_live(tmp_path: Path) -> None:
    with batch_endpoint() as endpoint:
        spec = f"{endpoint.url}#bench"
        models = ("--writer", spec, "--rater", spec, "-o", "batch_every=0.01", "--json")
        build = ("profiles", "build", "-n", "4", "--language", "both", *models)
        script = ("script", "--profiles", "shipped:en", "-n", "2", *models)
        for name, verb in {"profiles": build, "script": script}.items():
            runs = [tmp_path / f"{name}-{way}" for way in ("live", "batch")]
            live, batch = (
                cocoon(*verb, "--out", str(run), *more) for run, more in zip(runs, ([], ["--batch"]), strict=True)
            )
            assert live.code == batch.code and batch.json["failed"] == 0, batch.err
            for file in ("profiles.jsonl" if name == "profiles" else "dialogues.jsonl", "dropped.jsonl"):
                lives, batches = ([value for _, value in read_lines(run / file)] for run in runs)
                assert lives == batches
        assert endpoint.batches


def test_a_model_in_this_process_takes_no_batch(tmp_path: Path) -> None:
    (tmp_path / "replies.jsonl").write_text('"x"\n')
    judge = ("--judge", f"scripted:{tmp_path / 'replies.jsonl'}", "--scales", "basic")
    done = cocoon("judge", talks(tmp_path, 1), "--out", str(tmp_path / "run"), *judge, "--batch")
    assert done.code == 2 and "Leave --batch out" in done.err
