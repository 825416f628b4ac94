"""The Inspect log of a run, read back with Inspect itself and opened in its viewer."""

import asyncio
import math
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.records import Failure
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.models.journal.store import Journal
from cocoon.tests.browser import in_browser
from cocoon.tests.commands import cocoon
from cocoon.tests.exports.export_runs import dialogue, lines, rating, simulated, with_gaps, written

SPANS = {"stage", "turn", "node"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 dialogues: ten profiles, twenty repeats."""
    return simulated(tmp_path_factory.mktemp("inspect") / "run", profiles=10, samples=20, rounds=1)


@pytest.fixture(scope="module")
def log_file(run: Path) -> Path:
    out = run.parent / "logs" / "run.eval"
    done = cocoon("export", str(run), "--to", "inspect", "-o", str(out))
    assert done.code == 0 and done.out.split() == [str(out)], done.err
    return out


def read(path: Path) -> Any:
    """The log as Inspect reads it; its own warnings are none of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logs = pytest.importorskip("inspect_ai.log", reason="needs inspect-ai (extra 'dev')")
        return logs.read_eval_log(str(path), resolve_attachments=True)


@pytest.fixture(scope="module")
def log(log_file: Path) -> Any:
    return read(log_file)


def exported(run: Path, out: Path, *more: str) -> Path:
    done = cocoon("export", str(run), "--to", "inspect", "-o", str(out), *more)
    assert done.code == 0, done.err
    return out


def test_a_profile_is_a_sample_and_a_repeat_an_epoch(run: Path, log: Any) -> None:
    dialogues = {(one["profile"]["id"], one["sample"] + 1): one for one in lines(run, "dialogues.jsonl")}
    assert len(dialogues) == 200
    assert {(sample.id, sample.epoch) for sample in log.samples} == set(dialogues)
    assert (log.status, log.eval.model, log.eval.config.epochs, log.eval.dataset.samples) == (
        "success",
        "bench",
        20,
        10,
    )
    assert set(log.eval.model_roles) == {"supporter", "user", "appraiser", "judge"}
    assert log.results.total_samples == log.results.completed_samples == 200
    for sample in log.samples:
        one = dialogues[sample.id, sample.epoch]
        roles = ["assistant" if turn["role"] == "supporter" else "user" for turn in one["turns"]]
        said = [(message.role, message.content) for message in sample.messages]
        assert said == list(zip(roles, [turn["content"] for turn in one["turns"]], strict=True))
        assert sample.target == one["profile"]["need"] and sample.input == one["profile"]["feeling"]
        assert sample.metadata["emotion"] == one["profile"]["emotion"]
        assert sample.metadata["memory"] == one["profile"]["memory"]


def test_events_are_the_walk_with_every_call_once(run: Path, log: Any) -> None:
    journal = Journal(run / "journal.sqlite")
    try:
        for sample in log.samples[:20]:
            kept = journal.load(sample.metadata["dialogue"])
            calls = {event.metadata["key"]: event for event in sample.events if event.event == "model"}
            assert sorted(calls) == sorted(place.key for place in kept)
            for place, entry in kept.items():
                event = calls[place.key]
                asked = [{"role": message.role, "content": message.content} for message in event.input]
                assert asked == journal.request(place)
                assert (event.output.completion, event.model) == (entry.text, entry.model)
                assert event.output.usage.input_tokens == entry.tokens_in
                assert event.role == ("judge" if place.node.startswith("judge") else _role(place.node))
            total = sum(entry.tokens_out or 0 for entry in kept.values())
            assert sum(usage.output_tokens for usage in sample.role_usage.values()) == total
    finally:
        journal.close()


def _role(node: str) -> str:
    return {"appraise": "appraiser"}.get(node, node)


def test_spans_have_our_own_types_and_nest(log: Any) -> None:
    for sample in log.samples[:20]:
        open_spans: list[str] = []
        names: list[str] = []
        for event in sample.events:
            if event.event == "span_begin":
                assert event.type in SPANS and event.parent_id == (open_spans[-1] if open_spans else None)
                open_spans.append(event.id)
                names.append(event.name)
            elif event.event == "span_end":
                assert open_spans.pop() == event.id
            else:
                assert event.span_id == open_spans[-1]
        assert not open_spans
        turns = [name for name in names if name.startswith("turn ")]
        assert turns == [f"turn {n}: {'user' if n % 2 else 'supporter'}" for n in range(len(sample.messages))]
        assert {"open", "disclose", "speak", "judge comfort", "judge success_paper"} <= set(names)
        states = [event.data for event in sample.events if event.event == "info" and event.source == "user state"]
        assert states and all("trust" in state for state in states)


def test_scores_are_the_ratings(run: Path, log: Any) -> None:
    ratings = {(one["dialogue"], one["scale"]): one for one in lines(run, "ratings.jsonl")}
    found: list[bool] = []
    for sample in log.samples:
        for scale, score in sample.scores.items():
            one = ratings[sample.metadata["dialogue"], scale]
            if one["verdict"] is None:
                assert score.value == one["dimensions"]
                assert score.metadata["votes"][0]["items"] == one["items"]
                continue
            success = one["verdict"]["success"]
            if success is None:
                assert math.isnan(score.value) and one["verdict"]["missing"] in score.explanation
                continue
            assert score.value == ("C" if success else "I")
            if scale == "success_paper":
                found.append(success)
            assert (one["verdict"]["quote"] or "") in score.explanation
    whole = next(one for one in log.results.scores if one.name == "success_paper")
    assert whole.scored_samples == len(found) and whole.unscored_samples == 200 - len(found)
    assert whole.metrics["accuracy"].value == pytest.approx(sum(found) / len(found))


def test_the_viewer_is_told_ranges_and_not_to_trust_the_text(log: Any) -> None:
    view = log.eval.viewer
    assert view.trust_content is False
    colours = view.task_samples_view.score_color_scales
    told = colours["negative_helper_evaluation"]
    assert (told.palette, told.min, told.max) == ("good-low", 1, 7)
    assert colours["affective_improvement"].palette == "good-high"
    assert colours["empathy"].max == 100


def test_what_is_missing_is_missing_and_never_zero(tmp_path: Path) -> None:
    log = read(exported(with_gaps(tmp_path / "run"), tmp_path / "gaps.eval"))
    first, second, third, failed = log.samples
    assert first.scores["success_attributed"].value == "C"
    assert (
        first.scores["success_attributed"].explanation
        == 'success, named by the user, after reflection, turn 3: "I want rest"'
    )
    # Of two votes one has no value: the mean is that of the other.
    assert first.scores["comfort"].value == {"affective_improvement": 4.0, "negative_helper_evaluation": 4.0}
    assert first.scores["comfort"].metadata["votes"][0]["items"] == {"1": 2, "2": None}
    assert "item 2: cannot tell" in first.scores["comfort"].explanation
    verdict = second.scores["success_attributed"]
    assert math.isnan(verdict.value) and verdict.reason == "missing" and "quote not in" in verdict.explanation
    assert second.scores["comfort"].value == {"affective_improvement": None, "negative_helper_evaluation": None}
    assert math.isnan(third.scores["success_attributed"].value)
    assert third.scores["success_attributed"].reason == "not_applicable" and third.target == ""
    assert failed.error.message == "conversation, speak: timeout: no answer" and failed.id == "d.one.0"
    told = {(one.scorer, one.name): one for one in log.results.scores}
    success = told["success_attributed", "success_attributed"]
    assert (success.scored_samples, success.unscored_samples, success.metrics["accuracy"].value) == (1, 2, 1.0)
    comfort = told["comfort", "affective_improvement"]
    assert (comfort.scored_samples, comfort.unscored_samples, comfort.metrics["mean"].value) == (1, 1, 4.0)
    assert (log.results.total_samples, log.results.completed_samples) == (4, 3)
    usage = [sample.model_usage for sample in log.samples]
    assert usage == [{}] * 4, "no call, no tokens: not 0"


def test_thoughts_questions_and_stages_are_told(tmp_path: Path) -> None:
    sample = read(exported(with_gaps(tmp_path / "run"), tmp_path / "x.eval")).samples[0]
    told = sample.messages[2].metadata
    assert told["questions"] == ["open", "probe"] and told["strategy"] == "reflect" and told["analysis"] == "@tired"
    assert told["draft"] == "What happened to you?" and sample.messages[1].metadata["trust"] == 1.5
    begun = [(event.type, event.name) for event in sample.events if event.event == "span_begin"]
    assert begun[0] == ("stage", "listening") and ("stage", "suggestion") in begun
    assert begun.index(("stage", "suggestion")) + 1 == begun.index(("turn", "turn 2: supporter"))


def test_the_same_run_gives_the_same_bytes_and_nothing_is_replaced(tmp_path: Path) -> None:
    run = with_gaps(tmp_path / "run")
    once, again = exported(run, tmp_path / "1.eval"), exported(run, tmp_path / "2.eval")
    assert once.read_bytes() == again.read_bytes()
    once.write_bytes(b"mine")
    refused = cocoon("export", str(run), "--to", "inspect", "-o", str(once))
    assert refused.code == 2 and "already exists; give --force" in refused.err and once.read_bytes() == b"mine"
    exported(run, once, "--force")
    assert once.read_bytes() == again.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.eval", "2.eval", "run"]


def test_every_supporter_has_a_log_and_no_dialogue_is_lost(tmp_path: Path) -> None:
    twins = [
        dialogue("x1", "one", profile="p"),
        dialogue("x2", "one", profile="p"),
        dialogue("y", "two", profile="../../p"),
    ]
    failed = Failure(dialogue="q.two.0", stage="conversation", node="speak", reason="timeout", message="no answer")
    run = written(tmp_path / "run", twins, [rating(twins[0], "odd_scale", dimensions={"odd": 1.0})], [failed])
    refused = cocoon("export", str(run), "--to", "inspect", "-o", str(tmp_path / "one.eval"))
    assert refused.code == 2 and "2 supporters (one, two)" in refused.err
    out = exported(run, tmp_path / "logs")
    found = {read(path).eval.model: read(path) for path in out.iterdir()}
    # One profile, one repeat number, two dialogues: each is a sample of its own.
    assert [(one.id, one.epoch) for one in found["one"].samples] == [("x1", 1), ("x2", 1)]
    assert found["one"].samples[0].scores["odd_scale"].value == {"odd": 1.0}
    assert found["two"].samples[0].metadata["profile"] == "../../p" and "/" not in found["two"].samples[0].id
    assert found["two"].samples[1].id == "q.two.0"
    empty = tmp_path / "empty.jsonl"
    empty.write_text("", "utf-8")
    nothing = cocoon("export", str(empty), "--to", "inspect", "-o", str(tmp_path / "n.eval"))
    assert nothing.code == 2 and "has no dialogue" in nothing.err


@asynccontextmanager
async def viewing(folder: Path) -> AsyncIterator[str]:
    """`inspect view` of a folder of logs; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = ["--log-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "inspect_ai", "view", "start", *place]
    own = os.environ | {"XDG_DATA_HOME": str(folder.parent / "data"), "XDG_CACHE_HOME": str(folder.parent / "cache")}
    none = subprocess.DEVNULL
    with subprocess.Popen(command, env=own, cwd=folder, stdout=none, stderr=none) as server:
        try:
            for _ in range(600):
                with socket.socket() as asked:
                    if asked.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert server.poll() is None, "inspect view ended"
                await asyncio.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@in_browser
async def test_inspect_view_opens_the_log(browser: Any, run: Path, log_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="needs inspect-ai (extra 'dev')")
    first = lines(run, "dialogues.jsonl")[0]
    async with viewing(log_file.parent) as url:
        page = await (await browser.new_context(viewport={"width": 1500, "height": 900})).new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(url)
        await page.wait_for_selector("text=200 Samples", timeout=60_000)
        row = page.locator("[role=row]", has_text=first["profile"]["id"]).first
        assert first["profile"]["need"][:20] in await row.inner_text()
        await row.click()
        await page.wait_for_selector("text=Turn: turn 1: user", timeout=60_000)
        text = await page.inner_text("body")
        assert first["turns"][0]["content"] in text and first["profile"]["feeling"] in text
        await page.screenshot(path=tmp_path / "inspect.png")
        assert (tmp_path / "inspect.png").stat().st_size > 20_000
        assert {one.split("/")[2].split(":")[0] for one in asked if one.startswith("http")} == {"127.0.0.1"}


def test_our_own_log_comes_back_with_the_words_of_every_turn(tmp_path: Path) -> None:
    run = with_gaps(tmp_path / "run")
    file = exported(run, tmp_path / "run.eval")
    again = list(read_corpus("table", file, skip_unreadable=True).dialogues)
    talks = [[turn["content"].strip() for turn in one["turns"]] for one in lines(run, "dialogues.jsonl")]
    assert sorted([turn.content for turn in one.turns] for one in again) == sorted(talks)
