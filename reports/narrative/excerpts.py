"""Which dialogues a report quotes, and what it quotes of them: one best, one worst, one on which judges differ."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from cocoon.core.records import Language
from cocoon.evaluation.groups import Groups
from cocoon.evaluation.success.verdicts import PAPER
from cocoon.reports.narrative.findings import AFFECTIVE, COMFORT
from cocoon.reports.narrative.phrases import phrase
from cocoon.reports.narrative.records import Excerpt, Kind, Opinion, QuotedTurn
from cocoon.running.reading.reader import RunReader

_BEFORE, _AFTER = 2, 1
_LONGEST = 600
_MOST_OPINIONS = 4
_APART = 1.0
"""Points of affective improvement by which two values must differ to count as a dispute."""


@dataclass
class _Judged:
    """What was said of one dialogue: votes on success, and values of affective improvement."""

    supporter: str
    votes: list[bool] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @property
    def success(self) -> bool | None:
        yes, no = self.votes.count(True), self.votes.count(False)
        return None if yes == no else yes > no

    @property
    def affect(self) -> float | None:
        return sum(self.values) / len(self.values) if self.values else None

    @property
    def split(self) -> float:
        """How even the votes on success are, 0 where all agree, to 1."""
        return 2 * min(self.votes.count(True), self.votes.count(False)) / max(1, len(self.votes))

    @property
    def width(self) -> float:
        return max(self.values) - min(self.values) if self.values else 0.0


def choose_excerpts(groups: Groups, language: Language) -> list[Excerpt]:
    """Return the dialogues to quote, without their words. A kind that the run has not is left out."""
    judged = _by_dialogue(groups)
    excerpts = list[Excerpt]()
    for kind in ("best", "worst", "disputed"):
        names = [name for name in sorted(judged) if name not in {excerpt.dialogue for excerpt in excerpts}]
        chosen = _chosen(kind, {name: judged[name] for name in names})
        if chosen is not None:
            of = judged[chosen]
            why = _why(kind, of, language)
            excerpts.append(Excerpt(kind=kind, dialogue=chosen, supporter=of.supporter, why=why))
    return excerpts


def _by_dialogue(groups: Groups) -> dict[str, _Judged]:
    judged: dict[str, _Judged] = {}
    for group in groups:
        for rating in [*group.applicable(PAPER), *group.applicable(COMFORT)]:
            of = judged.setdefault(rating.dialogue, _Judged(rating.supporter))
            if rating.verdict is not None and rating.verdict.success is not None:
                of.votes.append(rating.verdict.success)
            elif (value := rating.dimensions.get(AFFECTIVE)) is not None:
                of.values.append(value)
    return judged


def _chosen(kind: Kind, judged: Mapping[str, _Judged]) -> str | None:
    if kind == "disputed":
        disputed = [name for name, of in judged.items() if of.split or of.width >= _APART]
        return max(disputed, key=lambda name: (judged[name].split, judged[name].width), default=None)
    decided = [name for name, of in judged.items() if of.success is (kind == "best")]
    # Agreement first: a dialogue of which half the judges say the opposite is no example of anything.
    sign = 1 if kind == "best" else -1
    return max(
        decided,
        key=lambda name: (-judged[name].split, sign * (judged[name].affect or 0), bool(judged[name].values)),
        default=None,
    )


def _why(kind: Kind, judged: _Judged, language: Language) -> str:
    if kind != "disputed":
        affect = judged.affect
        return phrase(kind, language, aff=phrase("no_verdict", language) if affect is None else f"{affect:.1f}")
    reasons = []
    if judged.split:
        reasons.append(phrase("split", language, yes=judged.votes.count(True), no=judged.votes.count(False)))
    if judged.width >= _APART:
        reasons.append(phrase("apart", language, low=f"{min(judged.values):.1f}", high=f"{max(judged.values):.1f}"))
    return phrase("listed", language).join(reasons)


def quote(excerpts: Iterable[Excerpt], reader: RunReader, language: Language) -> list[Excerpt]:
    """Return the excerpts with the words of their dialogues, the judges' evidence and reasons."""
    reader.refresh()
    return [_quoted(excerpt, reader, language) for excerpt in excerpts]


def _quoted(excerpt: Excerpt, reader: RunReader, language: Language) -> Excerpt:
    content = reader.whole(excerpt.dialogue, reader.calls(excerpt.dialogue))
    turns = content["turns"]
    profile = content["profile"] or {}
    return excerpt.model_copy(
        update={
            "feeling": _shortened(profile.get("feeling") or ""),
            "need": _shortened(profile.get("need") or ""),
            "total": len(turns),
            "turns": [_turn(number, turns[number]) for number in _window(turns)],
            "opinions": _opinions(content["ratings"], language),
        }
    )


def _window(turns: Sequence[Mapping[str, Any]]) -> range:
    """Return the turns around the first evidence, or the last ones where no judge quoted anything."""
    proofs = [number for number, turn in enumerate(turns) if any(piece[2] for piece in turn["pieces"])]
    middle = proofs[0] if proofs else len(turns) - 1
    return range(max(0, middle - _BEFORE), min(len(turns), middle + _AFTER + 1))


def _turn(number: int, turn: Mapping[str, Any]) -> QuotedTurn:
    pieces = [
        (_shortened("".join(piece[0] for piece in run)), bool(proof))
        for proof, run in groupby(turn["pieces"], key=lambda piece: bool(piece[2]))
    ]
    return QuotedTurn(number=number + 1, role=turn["role"], pieces=pieces)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} […]"


def _opinions(ratings: Sequence[Mapping[str, Any]], language: Language) -> list[Opinion]:
    """Return what judges said of success, each outcome with its reason once, different outcomes first."""
    by_outcome: dict[str, dict[tuple[str, str], Opinion]] = defaultdict(dict)
    for rating in ratings:
        if rating["verdict"] is not None:
            opinion = Opinion(
                judge=rating["judge"],
                outcome=_outcome(rating["verdict"], language),
                reason=_shortened(rating["reason"] or ""),
            )
            by_outcome[opinion.outcome].setdefault((opinion.judge, opinion.reason), opinion)
    firsts = [next(iter(opinions.values())) for opinions in by_outcome.values()]
    others = [opinion for opinions in by_outcome.values() for opinion in list(opinions.values())[1:]]
    return [*firsts, *others][:_MOST_OPINIONS]


def _outcome(verdict: Mapping[str, Any], language: Language) -> str:
    if verdict["success"] is None:
        return f"{phrase('no_verdict', language)}: {verdict['missing'] or ''}"
    parts = [phrase("named" if verdict["success"] else "not_named", language)]
    if verdict["named_by"] in ("user", "supporter"):
        parts.append(phrase("by", language, who=phrase(verdict["named_by"], language)))
    if verdict["how"]:
        parts.append(phrase(verdict["how"], language))
    return phrase("listed", language).join(parts)
