"""Figures of corpora against counts made by hand, and against the real files where they are at hand."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cocoon.core.records import Dialogue, Profile, Role, Thought, Turn
from cocoon.evaluation.text.corpora import MOST_NAMES, OTHERS, CorpusCounter, NameCounter, corpus_figures
from cocoon.evaluation.text.tokens import count_characters, count_tokens, tokens
from cocoon.reports.formats.json_value import to_json
from cocoon.reports.formats.markdown import render_markdown
from cocoon.reports.tables.corpora import figures_report

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def talk(name: str, roles: str, *, strategies: tuple[str, ...] = (), analysis: str = "", **more: str) -> Dialogue:
    """A dialogue of one-word turns; `roles` is u and s, `strategies` go to the supporter's turns in order."""
    left = list(strategies)
    turns = []
    for letter in roles:
        role: Role = "user" if letter == "u" else "supporter"
        told = left.pop(0) if role == "supporter" and left else None
        turns.append(
            Turn(role=role, content="two words" if letter == "u" else "三个字", thought=_thought(told, analysis))
        )
    profile = Profile(id=name, language="en", feeling="", scenario=more.get("scenario", ""))
    return Dialogue(
        id=name, profile=profile, supporter="corpus", language="en", turns=turns, licence=more.get("licence", "")
    )


def _thought(strategy: str | None, analysis: str) -> Thought | None:
    return None if strategy is None else Thought(strategy=strategy, analysis=analysis)


def test_figures_counted_by_hand() -> None:
    """usus: 4 runs. uussu: 5 utterances, 3 runs. s: one-sided, 1 run. Nothing: no run. 8 runs / 2 / 4 dialogues = 1."""
    made = corpus_figures(
        [talk("a", "usus", licence="CC0"), talk("b", "uussu", scenario="work"), talk("c", "s"), talk("d", "")]
    )
    assert (made.dialogues, made.average_turns, made.utterances, made.runs) == (4, 1.0, 10, 8)
    assert (made.average_utterances, made.user_utterances, made.supporter_utterances) == (2.5, 5 / 4, 5 / 4)
    assert (made.without_turns, made.one_sided, made.opened_by) == (1, 1, {"user": 2, "supporter": 1})
    assert made.lengths == {0: 1, 1: 1, 3: 1, 4: 1}
    assert made.characters_per_turn == {"user": 8.0, "supporter": 3.0}
    assert made.tokens_per_turn == {"user": 2.0, "supporter": 3.0}
    assert (made.scenarios, made.licences) == ({"work": 1}, {"not told": 3, "CC0": 1})
    assert (made.strategy_level, made.with_thought, made.with_need) == ("none", 0, 0)


def test_no_dialogue_has_no_average() -> None:
    made = corpus_figures([])
    assert (made.dialogues, made.average_turns, made.average_utterances) == (0, None, None)
    assert made.tokens_per_turn == {"user": None, "supporter": None}
    assert "| none yet | 0 | – |" in render_markdown(figures_report({"none yet": made}))


@pytest.mark.parametrize(
    ("strategies", "level"),
    [
        (("Question", "Providing Suggestions or Information"), "label"),
        (("Question; Affirmation and Reassurance",), "label"),
        (("情感反映", "提问"), "label"),
        (("通过指出按时完成工作的重要性，引导其进一步说明", "先肯定再给建议，减轻内疚"), "phrase"),
        (("Name the wish behind the plan and leave room for more",), "phrase"),
        ((), "none"),
        (("  ",), "none"),
    ],
)
def test_strategies_are_labels_or_phrases(strategies: tuple[str, ...], level: str) -> None:
    assert corpus_figures([talk("a", "usus", strategies=strategies)]).strategy_level == level


def test_a_strategy_without_an_analysis_is_no_thought() -> None:
    labelled = corpus_figures([talk("a", "usus", strategies=("Question", "Question; Others"))])
    assert (labelled.with_thought, labelled.turns_with_strategy, labelled.strategies) == (0, 2, 2)
    thought = corpus_figures([talk("a", "usus", strategies=("Question",), analysis="tired"), talk("b", "us")])
    assert (thought.with_thought, thought.turns_with_thought) == (1, 1)


def test_memory_does_not_grow_with_names() -> None:
    names = NameCounter()
    for number in range(MOST_NAMES + 500):
        names.add(f"scene {number}")
    assert len(names.counts) == MOST_NAMES + 1 and names.counts[OTHERS] == 500
    names.add("x" * 10_000)
    assert max(map(len, names.counts)) < 100


def test_a_counter_says_the_same_as_the_whole_stream() -> None:
    some = [talk(str(number), "us" * (number % 5)) for number in range(20)]
    counter = CorpusCounter()
    for one in some:
        counter.add(one)
    assert counter.figures() == corpus_figures(iter(some))


def test_table_1_beside_the_papers_rows() -> None:
    some = [talk("a", "susu", strategies=("Question",), analysis="tired")]
    made = to_json(figures_report({"mine": corpus_figures(some)}, like=True))["tables"]["like_paper"]["rows"]
    ours = next(row for row in made if row["Source"] == "ours")
    assert ours["Corpus"] == "mine"
    assert ours["measures"]["Avg turns"]["value"] == 2.0
    assert {name: ours["measures"][name]["remark"] for name in ("Thought", "Strategy", "Scenario", "Language")} == {
        "Thought": "yes",
        "Strategy": "label",
        "Scenario": "supporter first in 100%",
        "Language": "English",
    }
    theirs = {row["Corpus"]: row["measures"] for row in made if row["Source"] == "paper"}
    assert theirs["ESConv"]["Avg turns"]["value"] == 11.70 and theirs["COCOON"]["Strategy"]["remark"] == "phrase"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't you?", ["don't", "you", "?"]),
        ("我很累。OK了", ["我", "很", "累", "。", "ok", "了"]),
        ("a_b 3.5", ["a", "_", "b", "3", ".", "5"]),
        ("naïve 😀", ["naïve", "😀"]),
        ("  \n", []),
    ],
)
def test_tokens(text: str, found: list[str]) -> None:
    assert tokens(text) == found and count_tokens(text) == len(found)
    assert count_characters(text) == len("".join(text.split()))


# The real files. What they hold is a part of each corpus; the paper's figures are of the whole.


def _smile() -> Iterator[str]:
    for line in (DATA / "smile" / "smilechat_sample1228.jsonl").read_bytes().splitlines():
        yield "".join("u" if turn["role"] == "client" else "s" for turn in json.loads(line)["dialog"])


def _esconv(file: str) -> Iterator[str]:
    for line in (DATA / file).read_bytes().splitlines():
        yield "".join("u" if turn["speaker"] == "usr" else "s" for turn in json.loads(line)["dialog"])


@pytest.mark.parametrize(
    ("corpus", "dialogues", "turns", "printed"),
    [
        ("smile/smilechat_sample1228.jsonl", 1228, 5.739, 5.70),
        ("multiesc_esconv/valid.jsonl", 195, 11.454, 11.70),
        ("ppdpp_esconv/esc-valid.jsonl", 130, 11.450, 11.70),
    ],
)
def test_the_papers_counting_on_real_files(corpus: str, dialogues: int, turns: float, printed: float) -> None:
    if not (DATA / corpus).exists():
        pytest.skip(f"needs {corpus} in ../shared/data")
    roles = _smile() if corpus.startswith("smile") else _esconv(corpus)
    made = corpus_figures(talk(str(number), some) for number, some in enumerate(roles))
    assert made.dialogues == dialogues and made.average_turns == pytest.approx(turns, abs=5e-4)
    assert abs(turns - printed) / printed < 0.03
