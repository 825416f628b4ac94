"""Small dialogues, ratings and reports that the tests of the report share."""

from typing import Any

from cocoon.core.records import ChainStep, Dialogue, Profile, Rating, Turn, UserState, Verdict
from cocoon.evaluation.scales.scoring import load_scale, score
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.reports.report import build_report
from cocoon.reports.tables.records import Cell, Report, Table

VERDICTS: dict[str, Verdict] = {
    "named": Verdict(success=True, named_by="supporter", how="after_reflection", turn=2, quote="q"),
    "drawn": Verdict(success=True, named_by="user", how="after_question", turn=5, quote="q"),
    "leaked": Verdict(success=False, named_by="user", how="leaked", turn=1, quote="q"),
    "nobody": Verdict(success=False, named_by="nobody", turn=3, quote="q"),
    "missing": Verdict(success=None, missing="quote not in the transcript"),
}


def dialogue(name: str, rounds: int = 3, need: str | None = "N", **changes: Any) -> Dialogue:
    """An opening and `rounds` rounds of a guarded user whose node 1 opens in round 2."""
    profile = Profile(id=name.split("/")[0], language="en", feeling="f", need=need, chain=[])
    if need is not None:
        profile.chain = [ChainStep(need="surface"), ChainStep(need=need)]
    turns = [Turn(role="supporter", content="hello")]
    for number in range(1, rounds + 1):
        state = UserState(trust=0, unlocked=[0] if number == 1 else [0, 1], memories=[])
        turns.append(Turn(role="user", content="abcd", state=state if changes.get("user_kind") else None))
        turns.append(Turn(role="supporter", content="abcdef"))
    base: dict[str, Any] = {"supporter": "listen", "language": "en", "stop_reason": "rounds"}
    return Dialogue(id=name, profile=profile, turns=turns, **{**base, **changes})


def rating(name: str, scale: str, **changes: Any) -> Rating:
    """A rating of dialogue `name`, whose profile is what stands before the slash."""
    prompt = scale if scale.startswith("success") else "scale"
    base: dict[str, Any] = {
        "profile": name.split("/")[0],
        "supporter": "listen",
        "judge": "gpt-x",
        "prompt_id": f"judge/{prompt}",
        "prompt_sha": "aaa",
    }
    return Rating(dialogue=name, scale=scale, **{**base, **changes})


def scored(name: str, scale: str, value: int, **changes: Any) -> Rating:
    """A rating that answers every item of a shipped scale with `value`."""
    loaded = load_scale(scale)
    items: dict[str, int | None] = dict.fromkeys(loaded.item_ids, value)
    return rating(name, scale, items=items, dimensions=score(loaded, items), **changes)


def verdicts(name: str, kind: str, **changes: Any) -> list[Rating]:
    """Both success ratings of a dialogue; the paper's mode counts every naming."""
    verdict = VERDICTS[kind]
    named = None if verdict.success is None else verdict.named_by != "nobody"
    paper = Verdict(success=named, missing=verdict.missing)
    return [
        rating(name, PAPER, verdict=paper, **changes),
        rating(name, ATTRIBUTED, verdict=verdict, **changes),
    ]


KINDS = list(VERDICTS)
FACTS: dict[str, Any] = {
    "name": "demo",
    "models": {"judge": ["gpt-x"]},
    "calls": 1600,
    "prompt_tokens": 120_000,
    "completion_tokens": 30_000,
    "cost": 1.5,
    "seconds": 3723.4,
}


def report(**changes: Any) -> Report:
    """Five dialogues, one of each kind of verdict; comfort answers of 1 to 5."""
    ratings = [one for kind in KINDS for one in verdicts(kind, kind)]
    ratings += [scored(kind, "comfort", number) for number, kind in enumerate(KINDS, 1)]
    base: dict[str, Any] = {
        "dialogues": [dialogue(kind) for kind in KINDS],
        "ratings": ratings,
        "failures": [],
        "facts": FACTS,
    }
    return build_report(**{**base, **changes})


def table(made: Report, name: str) -> Table:
    return next(one for one in made.tables if one.id == name)


def rows(made: Report, name: str) -> dict[tuple[str, ...], dict[str, Cell]]:
    return {tuple(row.labels): row.cells for row in table(made, name).rows}


def estimate(cell: Cell) -> Estimate:
    assert isinstance(cell, Estimate)
    return cell


LABELS = ("listen", "gpt-x", "en", "with need")
