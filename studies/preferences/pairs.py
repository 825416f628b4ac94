"""Preferences from what came of talks: those in which the supporter found the need beside those in which it did not.

Futures of one place in a talk (`cocoon branch`) share every word before it, so that the reply there is preferred. Whole
talks of one person part early, so that all that follows is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Literal

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.records import Dialogue, Preference, Rating, Turn
from cocoon.corpora.export.card import Exported
from cocoon.corpora.export.export import FILES, export_corpus
from cocoon.corpora.export.rows import Thoughts
from cocoon.evaluation.groups import majority
from cocoon.evaluation.success.verdicts import ATTRIBUTED
from cocoon.running.folder import existing_run, read_run
from cocoon.studies.branches.run import branched_run

Form = Literal["dpo", "kto"]
RECORDS = "preferences.jsonl"


@dataclass(frozen=True)
class Candidate:
    """A talk that may be preferred from the index `first` on. Only its next reply is, where `one_reply`.

    `success` is what most judges said of its attributed success.
    """

    dialogue: Dialogue
    success: bool
    first: int
    one_reply: bool

    def completion(self, first: int) -> list[Turn]:
        """Return the turns that are preferred or rejected, from an index on, up to the supporter's last."""
        turns = self.dialogue.turns[first:]
        if self.one_reply:
            return list(takewhile(lambda turn: turn.role == "supporter", turns))
        while turns and turns[-1].role == "user":
            turns.pop()
        return turns


@dataclass
class Preferences:
    """Preferences of a run. `left_out` counts talks, or pairs of talks, by the reason."""

    dialogues: list[Dialogue] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_preferences(run: Path, form: Form) -> Preferences:
    """Return the preferences of a judged run, or of a folder of branches.

    For DPO every talk is in one pair at most, so that none weighs more than another. Raises CocoonError for a run that
    nobody judged for attributed success.
    """
    preferences = Preferences()
    groups = _groups(run, preferences)
    for candidates in groups.values():
        preferences.dialogues += _pairs(candidates, preferences) if form == "dpo" else _singles(candidates, preferences)
    return preferences


def export_preferences(
    run: Path,
    form: Form,
    out: Path,
    thoughts: Thoughts = "none",
    *,
    i_have_the_right: bool = False,
    force: bool = False,
) -> tuple[Exported, Preferences]:
    """Write the preferences of a run into a folder: as records of ours, and in the form that TRL reads, with a card.

    Raises CocoonError for a run without a preference, and for everything that `export_corpus` does not accept.
    """
    preferences = read_preferences(run, form)
    if not preferences.dialogues:
        reasons = "; ".join(f"{number} left out: {reason}" for reason, number in preferences.left_out.items())
        raise CocoonError(f"{run}: has no preference ({reasons or 'no talk was judged'})")
    records = out / RECORDS
    existing = next((path for path in (records, out / FILES[form]) if path.exists()), None)
    if existing is not None and not force:
        raise CocoonError(f"{existing}: already exists; give --force to replace it, or choose another -o")
    out.mkdir(parents=True, exist_ok=True)
    write_whole(records, map(dump_line, preferences.dialogues))
    exported = export_corpus(records, form, out, thoughts, i_have_the_right=i_have_the_right, force=force)
    return exported, preferences


def _groups(run: Path, preferences: Preferences) -> Mapping[tuple[str, ...], list[Candidate]]:
    """Return what may be compared with each other: futures of one place, or talks of one person."""
    parent_run = branched_run(existing_run(run))
    outcomes = _outcomes([run] if parent_run is None else [run, parent_run])
    if not outcomes:
        raise CocoonError(f"{run}: has no rating of {ATTRIBUTED}; judge it with `cocoon judge {run} --scales success`")
    groups: dict[tuple[str, ...], list[Candidate]] = defaultdict(list)
    dialogues = list(read_run(run, "dialogues.jsonl", Dialogue))
    forks = {(branch.parent, branch.branched_at) for branch in dialogues if branch.parent is not None}
    for dialogue in dialogues:
        success = outcomes.get(dialogue.id)
        first = _first_reply(dialogue) if dialogue.branched_at is None else dialogue.branched_at
        if success is None or first is None:
            reason = "the judges did not say whether it succeeded" if success is None else "it has no reply"
            preferences.left_out[reason] += 1
            continue
        origin = (dialogue.parent or "", str(first)) if dialogue.parent else (dialogue.profile.id, dialogue.language)
        groups[origin].append(Candidate(dialogue, success, first, dialogue.parent is not None))
    for parent in read_run(parent_run, "dialogues.jsonl", Dialogue) if parent_run else ():
        success = outcomes.get(parent.id)
        for name, first in forks:
            if name == parent.id and success is not None and first is not None:
                groups[parent.id, str(first)].append(Candidate(parent, success, first, True))
    return groups


def _outcomes(runs: Sequence[Path]) -> dict[str, bool | None]:
    votes: dict[str, list[Rating]] = defaultdict(list)
    for run in runs:
        for rating in read_run(run, "ratings.jsonl", Rating):
            if rating.scale == ATTRIBUTED and not rating.not_applicable:
                votes[rating.dialogue].append(rating)
    return {dialogue: majority(ratings) for dialogue, ratings in votes.items()}


def _first_reply(dialogue: Dialogue) -> int | None:
    """Return the index of the supporter's first reply to something that the user said."""
    roles = [turn.role for turn in dialogue.turns]
    heard = roles.index("user") if "user" in roles else len(roles)
    return next((number for number, role in enumerate(roles) if number > heard and role == "supporter"), None)


def _pairs(candidates: Sequence[Candidate], preferences: Preferences) -> Iterator[Dialogue]:
    """Yield a pair for each success that has a failure of its own."""
    winners = [candidate for candidate in candidates if candidate.success]
    losers = [candidate for candidate in candidates if not candidate.success]
    if unpaired := abs(len(winners) - len(losers)):
        preferences.left_out["no other outcome is left to compare it with"] += unpaired
    for winner, loser in zip(winners, losers, strict=False):
        first = _parting(winner.dialogue.turns, loser.dialogue.turns)
        chosen, rejected = winner.completion(first), loser.completion(first)
        if reason := _no_pair(winner.dialogue.turns[:first], chosen, rejected):
            preferences.left_out[reason] += 1
        else:
            name = f"{winner.dialogue.id}>{loser.dialogue.id}"
            yield _preferred(winner, name, first, chosen, rejected)


def _singles(candidates: Sequence[Candidate], preferences: Preferences) -> Iterator[Dialogue]:
    """Yield each talk with its completion as preferred or rejected."""
    for candidate in candidates:
        completion = candidate.completion(candidate.first)
        if not completion or any(turn.finish for turn in completion):
            preferences.left_out[_CUT if completion else "it has no reply"] += 1
            continue
        chosen, rejected = (completion, []) if candidate.success else ([], completion)
        name = f"{candidate.dialogue.id}@{candidate.first}"
        yield _preferred(candidate, name, candidate.first, chosen, rejected)


_CUT = "a reply was cut by its server"


def _no_pair(before: Sequence[Turn], chosen: Sequence[Turn], rejected: Sequence[Turn]) -> str | None:
    if any(turn.finish for turn in (*chosen, *rejected)):
        return _CUT
    if not chosen or not rejected:
        return "one of the two says nothing after they part"
    apart = not before or before[-1].role != "user" or {chosen[0].role, rejected[0].role} != {"supporter"}
    return "their words part at a turn of the user" if apart else None


def _parting(first: Sequence[Turn], second: Sequence[Turn]) -> int:
    """Return how many turns two talks have in common."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: _words(pair[0]) == _words(pair[1]), pairs))


def _words(turn: Turn) -> tuple[str, str]:
    return turn.role, turn.content


def _preferred(candidate: Candidate, name: str, first: int, chosen: list[Turn], rejected: list[Turn]) -> Dialogue:
    dialogue = candidate.dialogue
    return dialogue.model_copy(
        update={
            "id": name,
            "turns": [*dialogue.turns[:first], *chosen],
            "preference": Preference(first=first, rejected=rejected),
            "stage_boundary": None,
            "facts": {**dialogue.facts, "preferred_by": ATTRIBUTED},
        }
    )
