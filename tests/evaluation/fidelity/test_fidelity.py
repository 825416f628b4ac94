"""Fidelity of simulated users: what is counted in a dialogue, on labelled transcripts, and in whole runs."""

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from cocoon.core.jsonl import dump_line
from cocoon.core.records import ChainStep, Dialogue, Memory, Profile, Rating, Turn, UserState, Verdict
from cocoon.evaluation.fidelity.users import opening, user_facts
from cocoon.evaluation.success.labelled_cases import JudgeCase, shipped_cases
from cocoon.evaluation.success.verdicts import PAPER
from cocoon.reports.tables.ranking import kendall, ranking_rows
from cocoon.tests.commands import cocoon, endpoint

NEED = "I want my brother to forgive me for selling the orchard"
SURFACE = "I want to sleep through the night"
MEMORY = "Last winter the bank wrote about unpaid invoices for the tractor"


def profile(name: str = "p", **changes: Any) -> Profile:
    chain = [ChainStep(need=SURFACE), ChainStep(need=NEED)]
    memory = [Memory(text=MEMORY, chain_node=1)]
    base = {"feeling": "I am weary", "need": NEED, "chain": chain, "memory": memory}
    return Profile(id=name, language="en", **{**base, **changes})


def dialogue(*texts: str, states: tuple[UserState | None, ...] = (), **changes: Any) -> Dialogue:
    """Turns alternate and the supporter opens; `states` are those of the user turns."""
    turns = [Turn(role="supporter" if place % 2 == 0 else "user", content=text) for place, text in enumerate(texts)]
    for turn, state in zip([turn for turn in turns if turn.role == "user"], states, strict=False):
        turn.state = state
    base: dict[str, Any] = {"id": "d", "profile": profile(), "supporter": "s", "language": "en", "turns": turns}
    return Dialogue(**{**base, **changes})


def locked(*unlocked: int) -> UserState:
    return UserState(trust=0, unlocked=list(unlocked), memories=[])


def test_what_a_turn_tells_is_told_once_and_in_its_round() -> None:
    facts = user_facts(
        dialogue(
            "You seem tired.",
            "I only want to sleep through the night.",
            "Sleep is what you miss.",
            "I want my brother to forgive me for selling the orchard, really.",
            "Your brother matters to you.",
            "Yes, my brother should forgive me for selling the orchard.",
        )
    )
    assert [turn.disclosed for turn in facts.turns] == [["chain 1"], ["need"], []]
    assert (facts.need_round, facts.need_leaked) == (2, False)


def test_what_the_supporter_touched_is_not_unasked() -> None:
    asked = user_facts(dialogue("Hello.", "Hm.", "Did the bank write about invoices?", f"Yes. {MEMORY}."))
    unasked = user_facts(dialogue("Hello.", "Hm.", "It is cold today.", f"Well. {MEMORY}."))
    assert [turn.untouched for turn in asked.turns] == [[], []]
    assert [turn.untouched for turn in unasked.turns] == [[], ["memory 1"]]


def test_a_need_in_the_first_reply_or_while_locked_is_leaked() -> None:
    assert user_facts(dialogue("Hello.", NEED)).need_leaked is True
    while_locked = dialogue("Hello.", "Hm.", "I see.", NEED, states=(locked(0), locked(0)))
    assert user_facts(while_locked).need_leaked is True
    assert [turn.locked for turn in user_facts(while_locked).turns] == [[], ["need"]]
    opened = dialogue("Hello.", "Hm.", "I see.", NEED, states=(locked(0), locked(0, 1)))
    assert user_facts(opened).need_leaked is False


def test_a_memory_told_while_locked_is_counted() -> None:
    facts = user_facts(dialogue("Hello.", MEMORY, states=(locked(0, 1),)))
    assert facts.turns[0].locked == ["memory 1"]
    held = UserState(trust=0, unlocked=[0, 1], memories=[0])
    assert user_facts(dialogue("Hello.", MEMORY, states=(held,))).turns[0].locked == []


def test_a_profile_without_need_has_no_leak() -> None:
    facts = user_facts(dialogue("Hello.", NEED, profile=profile(need=None, chain=[], memory=[])))
    assert (facts.need_round, facts.need_leaked, facts.has_need) == (None, None, False)


def test_persons_names_and_numbers_that_nobody_named_are_foreign() -> None:
    facts = user_facts(
        dialogue(
            "Your brother?", "My brother met Clara and our uncle at 7.30.", "Clara?", "Yes, Clara, with 7.30 wine."
        )
    )
    assert facts.turns[0].foreign == ["7.30", "Clara", "uncle"]
    assert facts.turns[1].foreign == []


def test_chinese_persons_and_numbers_are_found() -> None:
    told = Profile(id="z", language="zh", feeling="我很累", need="我想让妈妈认可我")
    facts = user_facts(dialogue("你好。", "我妈妈和舅舅三天没说话。", profile=told, language="zh"))
    assert facts.turns[0].foreign == ["三", "舅舅"]


@pytest.mark.parametrize(
    ("text", "expected"), [("Well, I don't know.", "well i"), ("我也不知道。", "我也不"), ("…", ""), ("OK", "ok")]
)
def test_the_opening_of_a_turn(text: str, expected: str) -> None:
    assert opening(text) == expected


def of_case(case: JudgeCase) -> Dialogue:
    person = Profile(id=case.id, language=case.language, emotion=case.emotion, feeling=case.feeling, need=case.need)
    turns = [Turn(role=turn.role, content=turn.content) for turn in case.turns]
    return Dialogue(id=case.id, profile=person, supporter="s", language=case.language, turns=turns)


@pytest.mark.parametrize(("language", "found", "named", "wrong"), [("en", 14, 16, 1), ("zh", 11, 17, 1)])
def test_needs_that_the_user_told_are_found_on_labelled_transcripts(
    language: str, found: int, named: int, wrong: int
) -> None:
    # The figures of docs/guide/fidelity.md: what counting words finds of what people labelled.
    cases = [case for case in shipped_cases() if case.language == language]
    told = [case for case in cases if user_facts(of_case(case)).need_round is not None]
    assert sum(case.label.named_by == "user" for case in cases) == named
    assert sum(case.label.named_by == "user" for case in told) == found
    assert sum(case.label.named_by != "user" for case in told) == wrong


def write(folder: Path, verdicts: dict[str, list[bool]]) -> Path:
    """A run in which each supporter met the same profiles, with the paper's verdicts given."""
    folder.mkdir()
    dialogues, ratings = [], []
    for supporter, some in verdicts.items():
        for number, success in enumerate(some):
            name = f"{supporter}.{number}"
            one = dialogue("Hello.", "Hm.", id=name, supporter=supporter, profile=profile(f"p{number}"))
            dialogues.append(one)
            head: dict[str, Any] = {"dialogue": name, "profile": f"p{number}", "supporter": supporter, "judge": "j"}
            head |= {"scale": PAPER, "prompt_id": "judge/success_paper", "prompt_sha": "a"}
            ratings.append(Rating(verdict=Verdict(success=success), **head))
    (folder / "dialogues.jsonl").write_bytes(b"".join(map(dump_line, dialogues)))
    (folder / "ratings.jsonl").write_bytes(b"".join(map(dump_line, ratings)))
    return folder


def test_an_order_that_another_user_turns_round_is_shown(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"a": [True] * 6, "b": [True] * 2 + [False] * 4, "c": [False] * 6})
    other = write(tmp_path / "other", {"a": [False] * 6, "b": [True] * 2 + [False] * 4, "c": [True] * 6})
    told = cocoon("fidelity", str(one), str(other), "--json").json
    (row,) = told["tables"]["ranking"]["rows"]
    measures = row["measures"]
    assert measures["order"]["remark"] == "a > b > c"
    assert measures["order in the other"]["remark"] == "c > b > a"
    assert (measures["Kendall's tau"]["value"], measures["profiles"]["value"]) == (-1.0, 6)
    assert measures["same order"]["value"] < 0.01


def test_an_order_that_holds_is_shown(tmp_path: Path) -> None:
    verdicts = {"a": [True] * 6, "b": [False] * 6}
    runs = [str(write(tmp_path / name, verdicts)) for name in ("one", "other")]
    (row,) = cocoon("fidelity", *runs, "--json").json["tables"]["ranking"]["rows"]
    assert (row["measures"]["Kendall's tau"]["value"], row["measures"]["same order"]["value"]) == (1.0, 1.0)


def test_supporters_who_are_all_alike_have_no_order_to_keep(tmp_path: Path) -> None:
    alike = {"a": [True, False] * 3, "b": [True, False] * 3}
    runs = [str(write(tmp_path / name, alike)) for name in ("one", "other")]
    (row,) = cocoon("fidelity", *runs, "--json").json["tables"]["ranking"]["rows"]
    assert row["measures"]["order"]["remark"] == "a = b"
    assert (row["measures"]["Kendall's tau"]["value"], row["measures"]["same order"]["value"]) == (None, None)


def test_kendall_equals_scipy() -> None:
    first, second = [1.0, 2.0, 2.0, 4.0, 3.0], [2.0, 1.0, 3.0, 4.0, 4.0]
    expected, _ = stats.kendalltau(first, second)
    assert kendall(first, second) == pytest.approx(expected)
    assert kendall([1.0, 1.0], [1.0, 2.0]) is None


def test_a_run_over_http_is_reported_and_written(tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    with endpoint() as spec:
        models = ["--supporter", spec, "--user", spec, "--judge", spec, "--scales", "success,comfort"]
        done = cocoon("simulate", "--profiles", "shipped:en", "-n", "3", "--rounds", "2", *models, "--out", str(run))
    assert done.code == 0, done.err
    told = cocoon("fidelity", str(run), "--out", str(out))
    assert told.code == 0 and "How readily the users disclosed" in told.out
    assert {path.name for path in out.iterdir()} == {"fidelity.md", "fidelity.html", "tables"}


def test_a_run_given_twice_is_refused(tmp_path: Path) -> None:
    run = write(tmp_path / "one", {"a": [True]})
    done = cocoon("fidelity", str(run), str(run))
    assert done.code == 2 and "is given twice" in done.err


def test_the_order_of_two_profiles_is_resampled_and_that_of_one_is_not() -> None:
    def order_kept(profiles: int) -> object:
        run = {"SR": {name: {str(n): [value] for n in range(profiles)} for name, value in (("a", 1.0), ("b", 0.0))}}
        ((_, cells),) = ranking_rows(run, run)
        return cells["same order"]

    assert (order_kept(2), order_kept(1)) == (1.0, None)
