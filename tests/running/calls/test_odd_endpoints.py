"""Runs against servers that do not take what is asked: what they teach is used, kept and reported."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from cocoon.core.records import Dialogue, Rating
from cocoon.models.journal.reader import JournalReader
from cocoon.models.journal.store import Entry
from cocoon.running.folder import read_run
from cocoon.running.manifest import read_manifest
from cocoon.tests.commands import Done, cocoon
from cocoon.tests.models.odd_server import REFUSAL, OddServer, odd_server

SHORT = ("--profiles", "shipped:en", "--rounds", "1", "-n", "2", "--appraiser", "rule")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-odd-and-secret-0123")


@pytest.fixture
def odd() -> Iterator[OddServer]:
    with odd_server() as running:
        yield running


def simulate(odd: OddServer, run: Path, *more: str, **models: str) -> Done:
    """Run two short dialogues. Roles that are not named speak plainly."""
    specs = [part for role in ("supporter", "user") for part in (f"--{role}", odd.spec(models.get(role, "plain")))]
    judge = ("--judge", odd.spec(models["judge"]), "--scales", "success_paper") if "judge" in models else ()
    return cocoon("simulate", *SHORT, *specs, *judge, "--concurrency", "1", *more, "--out", str(run))


def learnt(run: Path, name: str) -> dict[str, Any]:
    """Return what the manifest says of a model."""
    manifest = read_manifest(run)
    assert manifest is not None
    facts = next(facts for label, facts in manifest.models.items() if label.endswith(f"#{name}"))
    return {key: value for key, value in facts.items() if key in ("learnt", "rung")}


def entries(run: Path, name: str) -> list[Entry]:
    """Return the journalled calls of a model, dialogue by dialogue."""
    reader = JournalReader(run / "journal.sqlite")
    calls = [
        call.entry for dialogue in read_run(run, "dialogues.jsonl", Dialogue) for call in reader.calls(dialogue.id)
    ]
    reader.close()
    return [entry for entry in calls if entry.model.endswith(f"#{name}")]


@pytest.mark.parametrize("name", ["temp1", "notemp", "tempproxy"])
def test_a_refused_temperature_is_left_out_from_then_on_and_reported(odd: OddServer, tmp_path: Path, name: str) -> None:
    done = simulate(odd, tmp_path, supporter=name)
    assert done.code == 0, done.err
    assert ["temperature" in request for request in odd.of(name)] == [True, False, False]
    assert learnt(tmp_path, name) == {"learnt": ["temperature"], "rung": 0}
    warnings = cocoon("report", str(tmp_path), "--json").json["warnings"]
    assert any(f"#{name} takes no temperature" in warning for warning in warnings)
    cocoon(
        *("simulate", *SHORT, "-n", "3", "--supporter", odd.spec(name), "--user", odd.spec("plain"), "--json"),
        *("--out", str(tmp_path)),
    )
    assert len(odd.of(name)) == 4 and "temperature" not in odd.of(name)[-1]


def test_a_temperature_out_of_range_is_a_failure_with_the_words_of_the_server(odd: OddServer, tmp_path: Path) -> None:
    assert simulate(odd, tmp_path, supporter="temppast").code == 1
    failures = (tmp_path / "failures.jsonl").read_text()
    assert failures.count("between 0 and 0.5") == 2 and len(odd.of("temppast")) == 2


def test_doctor_says_that_the_temperature_is_refused(odd: OddServer) -> None:
    found = cocoon("doctor", "--model", odd.spec("notemp"), "--json").json["model"]["findings"]
    accepted = next(finding for finding in found if finding["name"] == "temperature and seed accepted")
    assert accepted["found"] is False and accepted["detail"] == "refused, and left out: temperature"


@pytest.mark.parametrize(("name", "rung"), [("rf500", 1), ("rf500all", 2), ("emptyjson", 2)])
def test_a_format_that_fails_is_left_for_the_next_one(odd: OddServer, tmp_path: Path, name: str, rung: int) -> None:
    assert simulate(odd, tmp_path, judge=name).code == 0
    assert learnt(tmp_path, name)["rung"] == rung
    assert [rating.verdict and rating.verdict.success for rating in ratings(tmp_path)] == [False, False]
    before = len(odd.of(name))
    assert simulate(odd, tmp_path, "-n", "3", judge=name).code == 0
    assert len(odd.of(name)) == before + 1


def ratings(run: Path) -> list[Rating]:
    return list(read_run(run, "ratings.jsonl", Rating))


def test_thoughts_that_use_up_the_limit_get_a_larger_one_from_then_on(odd: OddServer, tmp_path: Path) -> None:
    assert simulate(odd, tmp_path, supporter="budget-large").code == 0
    assert [request["max_tokens"] for request in odd.of("budget-large")][-2:] == [2048, 2048]
    assert simulate(odd, tmp_path, "-n", "3", supporter="budget-large").code == 0
    assert [request["max_tokens"] for request in odd.of("budget-large")].count(200) <= 2
    assert learnt(tmp_path, "budget-large")["learnt"] == ["thinks"]
    assert {entry.limit for entry in entries(tmp_path, "budget-large")} == {None, 2048}


@pytest.mark.parametrize(
    ("allowed", "calls"), [((), [200, 2048] * 2), (("-o", "supporters.0.call_tokens=200"), [200] * 2)]
)
def test_a_limit_that_thoughts_use_up_for_good_is_named(
    odd: OddServer, tmp_path: Path, allowed: tuple[str, ...], calls: list[int]
) -> None:
    assert simulate(odd, tmp_path, *allowed, supporter="budget").code == 1
    assert sorted(request["max_tokens"] for request in odd.of("budget")) == sorted(calls)
    failures = (tmp_path / "failures.jsonl").read_text()
    assert failures.count('"token_limit"') == 2 and f"its token limit ({calls[-1]}) before its first word" in failures


def test_a_judge_whose_thoughts_use_up_the_limit_is_missing_with_that_reason(odd: OddServer, tmp_path: Path) -> None:
    assert simulate(odd, tmp_path, judge="budget").code == 0
    assert sorted(request["max_tokens"] for request in odd.of("budget")) == [500, 500, 2048, 2048]
    missing = [rating.verdict.missing for rating in ratings(tmp_path) if rating.verdict]
    assert len(missing) == 2 and all("token limit (2048) before its first word" in (why or "") for why in missing)


def test_settings_of_a_model_are_sent_only_where_they_are_given(odd: OddServer, tmp_path: Path) -> None:
    given = {"temperature": "null", "top_p": "0.9", "reasoning_effort": "low", "extra_body": "{top_k: 5}"}
    options = [part for name, value in given.items() for part in ("-o", f"supporters.0.{name}={value}")]
    assert simulate(odd, tmp_path, *options, "-o", "user.service_tier=flex", supporter="plain-supporter").code == 0
    sent = odd.of("plain-supporter")[0]
    assert "temperature" not in sent and "service_tier" not in sent
    assert (sent["top_p"], sent["reasoning_effort"], sent["top_k"]) == (0.9, "low", 5)
    assert odd.of("plain")[0]["service_tier"] == "flex" and "top_p" not in odd.of("plain")[0]
    changed = simulate(odd, tmp_path, supporter="plain-supporter")
    assert changed.code == 2 and "supporters" in changed.err


def test_the_appraiser_has_settings_of_its_own(odd: OddServer, tmp_path: Path) -> None:
    run = [
        "simulate",
        "--profiles",
        "shipped:en",
        "--rounds",
        "2",
        "-n",
        "1",
        "--form-pairs",
        "0",
        "--supporter",
        odd.spec("plain"),
        "--user",
        odd.spec("plain"),
    ]
    run += ["--appraiser", odd.spec("appraiser"), "-o", "user.appraisal.temperature=0.3", "--out", str(tmp_path)]
    assert cocoon(*run).code == 0
    assert {(request["temperature"], request["max_tokens"]) for request in odd.of("appraiser")} == {(0.3, 80)}


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("judge.extra_body={messages: []}", "is no extra of the request"),
        ("judge.extra_body={api_key: x}", "looks like a secret"),
        ("judge.call_tokens=10", "call_tokens 10 is below max_tokens 500"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_in_one_line(odd: OddServer, option: str, problem: str) -> None:
    done = cocoon("config", "show", "-o", option)
    assert done.code == 2 and problem in done.err and len(done.err.strip().splitlines()) == 1
    assert odd.requests == []


@pytest.mark.parametrize(
    ("name", "words"), [("badkey", "HTTP 401"), ("forbidden", "HTTP 403"), ("quota", "insufficient_quota")]
)
def test_an_account_that_gets_nothing_stops_the_run_at_the_first_call(
    odd: OddServer, tmp_path: Path, name: str, words: str
) -> None:
    done = simulate(odd, tmp_path, "-n", "10", supporter=name)
    assert done.code == 2 and len(odd.of(name)) == 1
    assert done.err.count(words) == 1 and "Check the key and the account" in done.err
    assert "next:" not in done.err and "sk-odd" not in done.err
    assert not any(b"sk-odd" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.slow
def test_an_outage_of_25_seconds_loses_no_dialogue(odd: OddServer, tmp_path: Path) -> None:
    done = simulate(odd, tmp_path, "-n", "10", "--concurrency", "8", supporter="outage", user="outage")
    assert done.code == 0, done.err
    assert len(list(read_run(tmp_path, "dialogues.jsonl", Dialogue))) == 10


def test_a_run_ends_where_an_endpoint_is_away_for_longer_than_its_user_has_patience(
    odd: OddServer, tmp_path: Path
) -> None:
    done = simulate(odd, tmp_path, "--patience", "2", supporter="outage")
    assert done.code == 1 and "has answered nothing for" in done.err and "--patience" in done.err
    assert "next:" not in done.err


def test_prompts_that_a_server_seems_to_cut_are_warned_of(odd: OddServer, tmp_path: Path) -> None:
    assert simulate(odd, tmp_path, judge="trunc").code == 0
    report = cocoon("report", str(tmp_path), "--json").json
    (warning,) = [warning for warning in report["warnings"] if "cutting prompts" in warning]
    assert warning.startswith("Calls of the judge (") and "2 of 2" in warning
    found = cocoon("doctor", "--model", odd.spec("trunc"), "--json").json["model"]["findings"]
    assert [finding["found"] for finding in found if finding["name"] == "whole prompts read"] == [False]


def test_what_was_odd_about_replies_is_in_report_trace_questions_and_fidelity(odd: OddServer, tmp_path: Path) -> None:
    assert simulate(odd, tmp_path, supporter="reasoning", user="length", judge="refusal").code == 0
    report = cocoon("report", str(tmp_path), "--json").json
    rows = report["tables"]["calls"]["rows"]
    seen = {row["Role"]: {name: cell["value"] for name, cell in row["measures"].items()} for row in rows}
    assert (seen["judge"]["refused"], seen["judge"]["calls"]) == (2, 2)
    assert (seen["supporter"]["with a thought"], seen["supporter"]["reasoning tokens"]) == (2, 18)
    assert (seen["user"]["cut"], seen["supporter"]["cached tokens"]) == (2, 64)
    assert any("2 of 2 were refused" in warning for warning in report["warnings"])
    trace = [orjson.loads(line) for line in (tmp_path / "trace.jsonl").read_bytes().splitlines()]
    calls = {(event["node"], event["finish"], event["thought"]) for event in trace if event["event"] == "call"}
    assert calls == {("speak", "length", False), ("supporter", "stop", True), ("judge", "refused", False)}
    told = cocoon("questions", str(tmp_path)).out
    assert "cut by the server" in told and "came with a thought" in told
    fidelity = cocoon("fidelity", str(tmp_path), "--json").json
    assert any("2 of 2 were cut by the server" in warning for warning in fidelity["warnings"])


def test_oddities_need_no_setting(odd: OddServer, tmp_path: Path) -> None:
    """Six oddities, ten dialogues: each finishes or is listed with the reason of its server."""
    names = ("think", "temp1", "notemp", "budget-large", "length", "refusal")
    supporters = [part for name in names for part in ("--supporter", f"{name}={odd.spec(name)}")]
    run = ["simulate", "--profiles", "shipped:en", "--rounds", "1", "-n", "10", "--appraiser", "rule", *supporters]
    done = cocoon(*run, "--user", odd.spec("notemp"), "--judge", odd.spec("rf500"), "--out", str(tmp_path), "--json")
    made = [dialogue.supporter for dialogue in read_run(tmp_path, "dialogues.jsonl", Dialogue)]
    assert {name: made.count(name) for name in names} == {**dict.fromkeys(names, 10), "refusal": 0}
    failures = (tmp_path / "failures.jsonl").read_text().splitlines()
    assert len(failures) == done.json["failed"] == 10 and all(REFUSAL in line for line in failures)
