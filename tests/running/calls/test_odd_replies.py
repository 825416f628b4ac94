"""Runs against odd servers: thoughts are never spoken, sent, counted or scored, and nothing is invented."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cocoon.core.records import Dialogue, Rating, Turn
from cocoon.models.journal.reader import JournalReader
from cocoon.models.journal.store import Journal
from cocoon.running.folder import read_run
from cocoon.tests.commands import Done, cocoon
from cocoon.tests.models.odd_server import REFUSAL, THOUGHT, WORDS, OddServer, odd_server

THINKERS = ("think", "thinkopen", "reasoning")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCOON_API_KEY", "none")


@pytest.fixture
def odd() -> Iterator[OddServer]:
    with odd_server() as running:
        yield running


def simulate(odd: OddServer, run: Path, *, supporter: str = "plain", user: str = "plain", judge: str = "plain") -> Done:
    """Run two profiles for three rounds, judged by success and one scale."""
    models = ("--supporter", odd.spec(supporter), "--user", odd.spec(user), "--judge", odd.spec(judge))
    return cocoon(
        *("simulate", "--profiles", "shipped:en", "-n", "2", "--rounds", "3", "--appraiser", "rule"),
        *("--scales", "success,comfort", *models, "--out", str(run)),
    )


def turns(run: Path) -> list[Turn]:
    """Return every turn after the fixed opening."""
    return [turn for dialogue in read_run(run, "dialogues.jsonl", Dialogue) for turn in dialogue.turns[1:]]


def ratings(run: Path) -> list[Rating]:
    return list(read_run(run, "ratings.jsonl", Rating))


def requests_in(run: Path) -> str:
    """Return every text that the run's journal says was sent."""
    journal = Journal(run / "journal.sqlite")
    try:
        texts = [message["content"] for entry in journal.entries() for message in journal.request(entry.place)]
    finally:
        journal.close()
    return "\n".join(texts)


def values(rating: Rating) -> list[object]:
    """Return what was scored: the readable items, or the verdict."""
    verdict = rating.verdict.success if rating.verdict else None
    return [value for value in [*rating.items.values(), verdict] if value is not None]


def reasons(rating: Rating) -> list[str]:
    """Return why a rating or its verdict is missing. There must be a reason."""
    told = [*rating.missing.values(), *([rating.verdict.missing] if rating.verdict else [])]
    assert any(told)
    return [why for why in told if why]


@pytest.mark.parametrize("name", THINKERS)
def test_thoughts_of_all_three_roles_stay_apart(odd: OddServer, tmp_path: Path, name: str) -> None:
    done = simulate(odd, tmp_path, supporter=name, user=name, judge=name)
    assert done.code == 0, done.err
    said = turns(tmp_path)
    assert len(said) == 12
    assert all(turn.content.startswith(WORDS) and turn.thought for turn in said)
    assert {turn.thought.reasoning for turn in said if turn.thought} == {THOUGHT}
    assert THOUGHT not in requests_in(tmp_path) and THOUGHT not in odd.sent()
    counted = cocoon("questions", str(tmp_path), "--json").json
    assert [side["asking_turns"] for side in counted["roles"].values()] == [0, 0]
    assert all(values(rating) for rating in ratings(tmp_path) if rating.scale == "comfort")


def test_thoughts_are_kept_in_the_journal_with_what_they_cost(odd: OddServer, tmp_path: Path) -> None:
    simulate(odd, tmp_path, supporter="reasoning")
    reader = JournalReader(tmp_path / "journal.sqlite")
    entries = [
        call.entry for dialogue in read_run(tmp_path, "dialogues.jsonl", Dialogue) for call in reader.calls(dialogue.id)
    ]
    reader.close()
    thinking = [entry for entry in entries if entry.model.endswith("#reasoning")]
    assert {(entry.thought, entry.tokens_cached, entry.tokens_reasoning) for entry in thinking} == {(THOUGHT, 32, 9)}


def test_a_run_with_thoughts_is_replayed_from_its_journal(odd: OddServer, tmp_path: Path) -> None:
    simulate(odd, tmp_path, supporter="think", user="reasoning", judge="thinkanswer")
    before, asked = turns(tmp_path), len(odd.requests)
    for file in ("dialogues.jsonl", "ratings.jsonl"):
        (tmp_path / file).unlink()
    assert simulate(odd, tmp_path, supporter="think", user="reasoning", judge="thinkanswer").code == 0
    assert turns(tmp_path) == before and len(odd.requests) == asked


@pytest.mark.parametrize(("name", "reason"), [("thinkdraft", "inside its thought"), ("thinkrefuse", "no JSON object")])
def test_a_draft_inside_a_thought_is_never_scored(odd: OddServer, tmp_path: Path, name: str, reason: str) -> None:
    simulate(odd, tmp_path, judge=name)
    rated = ratings(tmp_path)
    assert len(rated) == 6 and not any(values(rating) for rating in rated)
    assert all(reason in why for rating in rated for why in reasons(rating))


def test_the_answer_after_a_thought_is_scored_and_paid_for_once(odd: OddServer, tmp_path: Path) -> None:
    simulate(odd, tmp_path / "draft", judge="thinkanswer")
    asked = len(odd.of("thinkanswer"))
    simulate(odd, tmp_path / "plain", judge="plain-judge")
    assert asked == len(odd.of("plain-judge"))
    plain = [rating.items for rating in ratings(tmp_path / "plain")]
    assert [rating.items for rating in ratings(tmp_path / "draft")] == plain


def test_cut_replies_are_marked_and_a_cut_rating_is_missing(odd: OddServer, tmp_path: Path) -> None:
    simulate(odd, tmp_path, supporter="length", judge="length")
    assert {turn.finish for turn in turns(tmp_path) if turn.role == "supporter"} == {"length"}
    assert {turn.finish for turn in turns(tmp_path) if turn.role == "user"} == {None}
    rated = ratings(tmp_path)
    assert not any(values(rating) for rating in rated)
    assert all("cut at its token limit" in why for rating in rated for why in reasons(rating))


def test_cut_turns_are_told_in_report_and_questions(odd: OddServer, tmp_path: Path) -> None:
    simulate(odd, tmp_path, supporter="length", user="special")
    report = cocoon("report", str(tmp_path), "--json").json
    warned = [warning for warning in report["warnings"] if "turns of the" in warning]
    assert len(warned) == 2 and "6 of 6 had text" in warned[0] and "6 of 6 were cut" in warned[1]
    rows = report["tables"]["replies"]["rows"]
    assert [{name: cell["value"] for name, cell in row["measures"].items()} for row in rows] == [
        {"turns": 6, "cut": 0, "with foreign text": 6, "with a thought": 0},
        {"turns": 6, "cut": 6, "with foreign text": 0, "with a thought": 0},
    ]
    assert "100.0% of these turns were cut" in cocoon("questions", str(tmp_path)).out


def test_a_refusing_judge_is_asked_once_and_its_words_are_told(odd: OddServer, tmp_path: Path) -> None:
    simulate(odd, tmp_path, judge="refusal")
    rated = ratings(tmp_path)
    assert not any(values(rating) for rating in rated)
    assert {why for rating in rated for why in reasons(rating)} == {f"refused: {REFUSAL}"}
    assert len(odd.of("refusal")) == len(rated)


def test_a_refusing_supporter_ends_its_dialogue_at_once(odd: OddServer, tmp_path: Path) -> None:
    done = simulate(odd, tmp_path, supporter="refusal")
    assert done.code != 0 and len(odd.of("refusal")) == 2
    failures = (tmp_path / "failures.jsonl").read_text()
    assert failures.count('"refused"') == 2 and REFUSAL in failures
    simulate(odd, tmp_path, supporter="refusal")
    assert len(odd.of("refusal")) == 4, "the same command asks each once more"


@pytest.mark.parametrize(("name", "cut"), [("prefix", 1), ("both", 2), ("special", 1)])
def test_no_turn_has_two_speakers(odd: OddServer, tmp_path: Path, name: str, cut: int) -> None:
    simulate(odd, tmp_path, supporter=name, user=name)
    for turn in turns(tmp_path):
        assert turn.content.startswith(WORDS) and turn.content.endswith("messages.")
        assert turn.foreign == cut
    assert "im_start" not in odd.sent() and "Tell me more?" not in odd.sent()
