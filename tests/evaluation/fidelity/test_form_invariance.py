"""Form invariance: the shipped pairs, the rule appraiser on all of them, and appraising models with known faults."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import get_args

import pytest
import scipy.stats
from langchain_core.messages import BaseMessage

from cocoon.agents.users.appraiser import Appraiser, ModelAppraiser, RuleAppraiser, appraise_by_rule
from cocoon.agents.users.guarded import GuardedUser
from cocoon.agents.users.trust import TrustGate, naming
from cocoon.core.config import BudgetConfig, TrustRules
from cocoon.core.errors import BudgetReachedError, CallFailedError
from cocoon.core.records import Language
from cocoon.evaluation.fidelity.form_invariance import (
    FORM_KINDS,
    FormInvariance,
    FormPair,
    PairChange,
    form_invariance,
    form_pairs,
)
from cocoon.evaluation.questions.detection import asks, questions
from cocoon.evaluation.text.contents import contents
from cocoon.evaluation.text.moves import move_by_rule
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Journal
from cocoon.models.ledger import Ledger
from cocoon.models.scripted import ScriptedChat
from cocoon.running.checks.form_invariance import PREFIX, measure_form_invariance
from cocoon.tests.conversations import shipped_profiles

LANGUAGES: tuple[Language, ...] = get_args(Language)
PAIRS = {language: form_pairs(language) for language in LANGUAGES}
EVERY = [pair for pairs in PAIRS.values() for pair in pairs]
PROFILES = {profile.id: profile for profile in shipped_profiles()}
WORDS = {words: (pair, form) for pair in EVERY for form, words in (("q", pair.question), ("s", pair.statement))}
FORMS = ("question", "statement")
Appraises = Callable[[FormPair, bool], str]


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield Caller(journal)
    journal.close()


def reply(accuracy: str = "none", pressure: int = 0, asked: bool = False) -> str:
    return json.dumps({"accuracy": accuracy, "pressure": pressure, "touched": None, "asked": asked})


async def measured(
    appraiser: Appraiser,
    rules: TrustRules,
    caller: Caller,
    languages: Sequence[Language] = LANGUAGES,
    limit: int | None = None,
) -> FormInvariance:
    """What is measured of a guarded user with this appraiser, whose own words are never asked for."""
    silent = Models().wrap("scripted-silent", ScriptedChat())
    return await measure_form_invariance(
        GuardedUser(silent, appraiser, TrustGate(rules=rules)), caller, languages, limit
    )


def appraiser(appraises: Appraises, models: Models | None = None) -> tuple[ModelAppraiser, ScriptedChat]:
    """A model that appraises by what pair it is shown, and whether as the question."""

    def script(messages: list[BaseMessage], options: dict[str, object]) -> str:
        shown = re.search(r"\n(?:Supporter: |支持者：)([^\n]*)\n</transcript>", str(messages[0].content))
        assert shown is not None
        pair, form = WORDS[shown[1]]
        return appraises(pair, form == "q")

    chat = ScriptedChat(script=script)
    return ModelAppraiser((models or Models()).wrap("scripted-appraiser", chat)), chat


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_profile_has_a_pair_of_every_kind(language: Language) -> None:
    pairs = PAIRS[language]
    profiles = [name for name, profile in PROFILES.items() if profile.language == language]
    assert len(pairs) == 70 and len({pair.id for pair in pairs}) == 70
    assert Counter((pair.profile, pair.kind) for pair in pairs) == dict.fromkeys(
        ((name, kind) for name in profiles for kind in FORM_KINDS), 1
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_pairs_are_as_balanced_as_all(language: Language) -> None:
    pairs = form_pairs(language, 30)
    assert pairs == PAIRS[language][:30]
    assert set(Counter(pair.kind for pair in pairs).values()) == {4, 5}
    assert set(Counter(pair.profile for pair in pairs).values()) <= {2, 3, 4}


@pytest.mark.parametrize("pair", EVERY, ids=lambda pair: pair.id)
def test_the_two_forms_of_a_pair_differ_in_form_alone(pair: FormPair) -> None:
    assert asks(pair.question) and not asks(pair.statement)
    assert contents(pair.question) == contents(pair.statement) != set()
    assert 0.85 < len(pair.question) / len(pair.statement) < 1.3
    assert [turn.role for turn in pair.said] in (["supporter", "user"], ["supporter", "user"] * 2)


@pytest.mark.parametrize("pair", EVERY, ids=lambda pair: pair.id)
def test_the_rule_takes_both_forms_alike_but_for_asked(pair: FormPair) -> None:
    needs = [step.need for step in PROFILES[pair.profile].chain]
    said = " ".join(turn.content for turn in pair.said if turn.role == "user")
    question, statement = (appraise_by_rule(words, said, needs, [0]) for words in (pair.question, pair.statement))
    assert (question.asked, statement.asked) == (True, False)
    assert question.model_copy(update={"asked": False}) == statement


def test_the_pairs_move_the_rule_in_both_directions() -> None:
    moves: dict[str, list[float]] = {kind: [] for kind in FORM_KINDS}
    for pair in EVERY:
        needs = [step.need for step in PROFILES[pair.profile].chain]
        said = " ".join(turn.content for turn in pair.said if turn.role == "user")
        moves[pair.kind].append(naming(appraise_by_rule(pair.question, said, needs, [0])))
    assert set(moves["accurate"]) == {2.0}
    assert set(moves["reflection"]) == {0.0}
    assert sum(move < 0 for move in moves["pressing"]) >= 18


async def test_the_rule_is_exactly_invariant_under_naming_and_asks_no_model(caller: Caller) -> None:
    found = await measured(RuleAppraiser(), "naming", caller)
    assert (found.n, found.missing, found.mean_difference, found.share_equal) == (140, 0, 0.0, 1.0)
    assert [one.value for one in found.by_kind.values()] == [0.0] * 7
    assert list(caller.journal.entries()) == []
    assert found.one_line() == (
        "rule, naming rules, zh+en: question minus statement exactly 0 points of trust; equal in 140 of 140 pairs"
    )


async def test_the_rule_is_exactly_invariant_under_attuned_where_open_questions_earn_as_well(caller: Caller) -> None:
    found = await measured(RuleAppraiser(), "attuned", caller)
    assert (found.n, found.missing, found.mean_difference, found.share_equal, found.constant) == (
        140,
        0,
        0.0,
        1.0,
        False,
    )
    assert [one.n for one in found.by_kind.values()] == [20] * 7


def test_an_open_question_and_a_request_of_the_same_content_are_one_move() -> None:
    for pair in EVERY:
        said = " ".join(turn.content for turn in pair.said if turn.role == "user")
        moves = {move_by_rule(words, said) for words in (pair.question, pair.statement)}
        assert (moves == {"open_question"}) is (pair.kind == "open")
        assert pair.kind != "open" or {sentence.type for sentence in questions(pair.question)} == {"open"}


async def test_the_rule_loses_half_a_point_by_every_question_under_listening(caller: Caller) -> None:
    found = await measured(RuleAppraiser(), "listening", caller)
    assert (found.n, found.mean_difference, found.share_equal) == (140, -0.5, 0.0)
    assert "question minus statement -0.50 points of trust; equal in 0 of 140 pairs" in found.one_line()


async def test_under_listening_only_what_was_taken_as_asked_costs(caller: Caller) -> None:
    model, _ = appraiser(lambda pair, question: reply(asked=question and pair.kind in ("near", "wrong")))
    found = await measured(model, "listening", caller)
    assert (found.mean_difference, found.share_equal) == (pytest.approx(-0.5 * 2 / 7), pytest.approx(5 / 7))
    assert (await measured(model, "naming", caller)).mean_difference == 0


async def test_a_model_that_punishes_questions_is_measured(caller: Caller) -> None:
    def punishes(pair: FormPair, question: bool) -> str:
        return reply("near", pressure=2 if question and pair.kind in ("comfort", "near", "wrong") else 0)

    model, chat = appraiser(punishes)
    found = await measured(model, "naming", caller)
    assert (len(chat.seen), found.n, found.missing) == (280, 140, 0)
    assert (found.mean_difference, found.share_equal) == (pytest.approx(-6 / 7), pytest.approx(4 / 7))
    # A resampled mean is -2 times the share of punished pairs: its quantiles are those of a binomial count.
    low, high = (-2 * scipy.stats.binom.ppf(q, 140, 3 / 7) / 140 for q in (0.975, 0.025))
    assert found.interval == (pytest.approx(low, abs=2 / 140), pytest.approx(high, abs=2 / 140))
    means = {kind: one.value for kind, one in found.by_kind.items()}
    assert means == {kind: -2.0 if kind in ("comfort", "near", "wrong") else 0.0 for kind in FORM_KINDS}


async def test_a_model_that_takes_everything_alike_is_told_from_an_invariant_one(caller: Caller) -> None:
    found = await measured(appraiser(lambda *_: reply("near"))[0], "naming", caller, ["en"], limit=6)
    assert (found.mean_difference, found.share_equal, found.constant) == (0.0, 1.0, True)
    assert found.one_line().endswith(
        "equal in 6 of 6 pairs, but every appraisal gave the same change, which shows nothing"
    )
    varied = [PairChange(pair=str(n), kind="near", question=n, statement=n) for n in (0.0, 1.0)]
    assert not form_invariance("m", "naming", ["en"], varied).constant
    assert not form_invariance("m", "naming", ["en"], varied[:1]).constant


async def test_a_model_sees_the_same_but_for_the_form(caller: Caller) -> None:
    model, chat = appraiser(lambda *_: reply())
    await measured(model, "naming", caller)
    prompts = [str(messages[0].content) for messages in chat.seen]
    for pair in EVERY:
        (asked,) = (prompt for prompt in prompts if f"{pair.question}\n</transcript>" in prompt)
        (stated,) = (prompt for prompt in prompts if f"{pair.statement}\n</transcript>" in prompt)
        assert asked.replace(pair.question, pair.statement) == stated
        assert PROFILES[pair.profile].chain[-1].need in asked and pair.said[-1].content in asked


async def test_a_pair_is_missing_when_one_form_cannot_be_read_or_asked(caller: Caller) -> None:
    def mute(pair: FormPair, question: bool) -> str:
        if pair.kind == "pressing" and question:
            return "I would rather not say."
        if pair.kind == "comfort" and not question:
            raise CallFailedError("timeout", "no reply")
        return reply(pressure=int(question))

    found = await measured(appraiser(mute)[0], "naming", caller, ["en"])
    assert (found.n, found.missing, found.mean_difference, found.share_equal) == (50, 20, -1.0, 0.0)
    assert (found.by_kind["pressing"].value, found.by_kind["pressing"].missing) == (None, 10)
    assert found.one_line() == (
        "scripted-appraiser, naming rules, en: question minus statement -1.00 points of trust; "
        "equal in 0 of 50 pairs, 20 missing"
    )


async def test_nothing_readable_is_no_measurement(caller: Caller) -> None:
    found = await measured(appraiser(lambda *_: "?")[0], "naming", caller, ["zh"], limit=4)
    assert (found.n, found.missing, found.mean_difference, found.interval, found.share_equal) == (
        0,
        4,
        None,
        None,
        None,
    )
    assert found.one_line() == (
        "scripted-appraiser, naming rules, zh: not known (no pair could be appraised in both forms, 4 missing)"
    )


async def test_a_measurement_is_journalled_and_goes_on_where_the_budget_ended_it(tmp_path: Path) -> None:
    def punishes(pair: FormPair, question: bool) -> str:
        return reply(pressure=int(question and pair.kind == "wrong"))

    asked: list[int] = []
    for budget in (30, None, None):
        journal = Journal(tmp_path / "journal.sqlite")
        model, chat = appraiser(punishes, Models(ledger=Ledger(BudgetConfig(calls=budget))))
        try:
            found = await measured(model, "naming", Caller(journal), limit=30)
            assert (found.n, found.mean_difference) == (60, pytest.approx(-8 / 60))
        except BudgetReachedError:
            assert budget == 30
        asked.append(len(chat.seen))
        names = {entry.place.dialogue for entry in journal.entries()}
        journal.close()
    assert asked == [30, 90, 0]
    expected = {f"{PREFIX}{pair.id}.{form}" for pairs in PAIRS.values() for pair in islice(pairs, 30) for form in FORMS}
    assert names == expected


def test_the_line_gives_the_interval_and_drops_the_sign_of_nothing() -> None:
    values = [(0.0, 1.0), (-1.0, 0.0), (2.0, 2.0), (1.0, 0.0), (0.0, -1.0), (None, 1.0)]
    changes = [
        PairChange(pair=str(number), kind="near", question=question, statement=statement)
        for number, (question, statement) in enumerate(values)
    ]
    found = form_invariance("m", "naming", ["en"], changes)
    assert found.interval is not None and found.interval[0] < 0 < found.interval[1]
    assert found.one_line() == (
        f"m, naming rules, en: question minus statement 0 points of trust "
        f"(95% interval {found.interval[0]:+.2f} to {found.interval[1]:+.2f}); equal in 1 of 5 pairs, 1 missing"
    )


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("Did he leave you for good?", "He left you for good."),
        ("Does she try and change it?", "She tries and changes it."),
        ("Had you stopped, or did you stop them?", "You stopped, or you stopped them."),
        ("Can’t you sleep?", "You cannot sleep."),
        ("Is it the right step, right?", "It is the right step."),
        ("你能不能相信自己的判断？", "你能相信自己的判断。"),
        ("你是不是怕通不过盲审呢？", "你怕通不过盲审。"),
        ("他身体还好吗？", "他身体还好。"),
        ("先喝口热汤，好吗？", "先喝口热汤吧。"),
        ("能否早点决定？", "能早点决定。"),
    ],
)
def test_contents_are_those_of_the_statement(question: str, statement: str) -> None:
    assert contents(question) == contents(statement) != set()


@pytest.mark.parametrize(
    ("words", "pressure"),
    [
        ("You must tell him today.", 1),
        ("Must you tell him today?", 1),
        ("You must tell him today, mustn't you?", 1),
        ("You should have told him.", 1),
        ("Shouldn’t you have told him?", 1),
        ("You must be tired.", 0),
        ("Should you have a minute, sit down.", 0),
        ("你必须告诉他，对不对？", 1),
    ],
)
def test_pressing_is_counted_once_in_either_form(words: str, pressure: int) -> None:
    assert appraise_by_rule(words, "", ["x"], []).pressure == pressure
