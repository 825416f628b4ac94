"""The material of exports: a dialogue with its ratings, its path through the graph, and its journalled calls."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cocoon.core.jsonl import parse_record
from cocoon.core.records import Dialogue, Failure, Rating
from cocoon.evaluation.fidelity.flags.records import UserFlag
from cocoon.evaluation.fidelity.flags.turns import flags_by_turn
from cocoon.evaluation.questions.detection import counted_turns, questions
from cocoon.evaluation.questions.records import GENUINE, QuestionType
from cocoon.evaluation.safety.records import CrisisFlag
from cocoon.evaluation.safety.turns import crisis_by_turn
from cocoon.models.journal.reader import Call, JournalReader, opened_journal
from cocoon.models.journal.store import Place
from cocoon.running.reading.reader import RunReader

_ROLES = {"user": "user", "supporter": "supporter", "appraise": "appraiser"}


@dataclass(frozen=True)
class WalkStep:
    """A node that the dialogue passed through, with the keys of its calls."""

    node: str
    calls: list[str]


@dataclass
class ExportMaterial:
    """One dialogue with everything that exports need.

    `walk` has the steps that led to each turn. `asked` has the question types of each supporter turn, and `flags`
    has by its index what is wrong with each user turn, and the words of risk of either side.
    """

    dialogue: Dialogue
    ratings: list[Rating]
    failures: list[Failure]
    calls: dict[str, Call]
    walk: list[list[WalkStep]]
    asked: list[list[QuestionType] | None]
    counted: list[bool]

    @cached_property
    def flags(self) -> dict[int, list[UserFlag | CrisisFlag]]:
        """What is wrong with each turn of the user and the flags of risk of either side, by the index of the turn."""
        flags, crisis = flags_by_turn(self.dialogue), crisis_by_turn(self.dialogue)
        return {
            index: [*flags.get(index, []), *([crisis[index]] if index in crisis else [])]
            for index in range(len(self.dialogue.turns))
        }

    @property
    def asking(self) -> int:
        """Return how many of the counted supporter turns ask a genuine question."""
        return self._turns_with(GENUINE)

    @property
    def probing(self) -> int:
        """Return how many of the counted supporter turns ask by a request to tell."""
        return self._turns_with(frozenset(("probe",)))

    def _turns_with(self, wanted: frozenset[QuestionType]) -> int:
        counted_types = (types or [] for types, counts in zip(self.asked, self.counted, strict=True) if counts)
        return sum(not wanted.isdisjoint(types) for types in counted_types)

    @property
    def question_ratio(self) -> float | None:
        """Return the share of the counted supporter turns that ask a genuine question, or None where no turn counts."""
        return self.asking / sum(self.counted) if any(self.counted) else None

    @property
    def probing_ratio(self) -> float | None:
        """Return the share of the counted supporter turns with a request to tell, or None where no turn counts."""
        return self.probing / sum(self.counted) if any(self.counted) else None

    def others(self) -> list[Call]:
        """Return the calls that neither a turn nor a rating names, in the order of their answers."""
        named = {key for steps in self.walk for step in steps for key in step.calls}
        named |= {key for rating in self.ratings for key in rating.calls}
        return [call for key, call in self.calls.items() if key not in named]


def materials(run: RunReader) -> Iterator[ExportMaterial]:
    """Yield every dialogue of a run, one at a time. The caller refreshes `run` before."""
    with opened_journal(run.journal) as journal:
        for name in run.names():
            yield material_of(run, name, journal)


def material_of(run: RunReader, name: str, journal: JournalReader | None) -> ExportMaterial:
    """Return one dialogue of a run, with its calls where there is a journal."""
    dialogue = run.dialogue(name)
    calls = {call.entry.place.key: call for call in journal.calls(name)} if journal else {}
    counted = {id(turn) for turn in counted_turns(dialogue.turns)}
    return ExportMaterial(
        dialogue,
        run.ratings_of(name),
        [parse_record(line, Failure, f"{run.failures.path}: {name!r}") for line in run.failures.of(name)],
        calls,
        _walk(dialogue, run.trace.of(name)),
        [
            [question.type for question in questions(turn.content, dialogue.language)]
            if turn.role == "supporter"
            else None
            for turn in dialogue.turns
        ],
        [id(turn) in counted for turn in dialogue.turns],
    )


def _walk(dialogue: Dialogue, events: Iterable[dict[str, Any]]) -> list[list[WalkStep]]:
    """Return the steps by turn, where a node that changed `turns` ends a turn.

    Without a trace that fits the turns, return the calls that the turns name.
    """
    traced = _traced(events)
    steps_by_turn: list[list[WalkStep]] = [[]]
    for step, ends in traced:
        steps_by_turn[-1].append(step)
        if ends:
            steps_by_turn.append([])
    if len(steps_by_turn) != len(dialogue.turns) + 1:
        return [_by_node(turn.calls) for turn in dialogue.turns]
    # Steps after the last turn belong to the end of that turn.
    remaining = steps_by_turn.pop()
    if steps_by_turn:
        steps_by_turn[-1] += remaining
    return steps_by_turn


def _traced(events: Iterable[dict[str, Any]]) -> list[tuple[WalkStep, bool]]:
    calls: dict[tuple[int, str], dict[str, None]] = {}
    nodes: dict[tuple[int, str], list[str]] = {}
    for event in events:
        if not str(event["graph"]).startswith("conversation"):
            continue
        position = (event["step"], event.get("node") or "")
        if event["event"] == "call":
            calls.setdefault(position, {})[event["call"]] = None
        elif event["event"] == "node":
            nodes[position] = event.get("updated") or []
    return [
        (WalkStep(position[1], list(calls.get(position, {}))), "turns" in nodes[position]) for position in sorted(nodes)
    ]


def _by_node(keys: Iterable[str]) -> list[WalkStep]:
    steps: list[WalkStep] = []
    for key in keys:
        node = node_of(key)
        if steps and steps[-1].node == node:
            steps[-1].calls.append(key)
        else:
            steps.append(WalkStep(node, [key]))
    return steps


def node_of(key: str) -> str:
    """Return the node of a call, from its key NODE/ORDINAL/VOTE/ATTEMPT."""
    return key.rsplit("/", 3)[0]


def role_of_call(place: Place) -> str:
    """Return who made a call: supporter, user, appraiser, judge, or the node's own name."""
    if place.node.startswith("judge"):
        return "judge"
    return _ROLES.get(place.node, place.node)


def success_words(rating: Rating) -> str:
    """Return a verdict as a sentence.

    The sentence says who named the need, what drew it out, where and in which words, or why the verdict is missing.
    """
    verdict = rating.verdict
    if rating.not_applicable:
        return "not applicable: the profile has no need"
    if verdict is None or verdict.success is None:
        reason = (verdict.missing if verdict else None) or rating.missing.get("*") or "no reason told"
        return f"missing: {reason}"
    parts = ["success" if verdict.success else "no success"]
    if verdict.named_by:
        parts.append("nobody named the need" if verdict.named_by == "nobody" else f"named by the {verdict.named_by}")
    if verdict.how:
        parts.append(verdict.how.replace("_", " "))
    if verdict.turn is not None:
        parts.append(f"turn {verdict.turn}")
    sentence = ", ".join(parts)
    return f'{sentence}: "{verdict.quote}"' if verdict.quote else sentence
