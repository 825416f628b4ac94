"""The calls of a study, dialogue by dialogue: who is asked after whom, where, and for how long.

Seconds of an answer are a number that is given, or those of a run that was measured, by the step that asked.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.outside.python_code import PREFIX
from cocoon.core.records import Dialogue
from cocoon.models.by_name import host_of
from cocoon.models.journal.reader import opened_journal
from cocoon.running.estimate import appraises, judges_wanted
from cocoon.running.folder import JOURNAL, existing_run, read_config, read_run
from cocoon.running.frame import window_of

JUDGE = "judge"
_STEPS = """select substr(node || ':', 1, instr(node || ':', ':') - 1), attempt > 0, json_extract(reply, '$.latency')
from calls where not coalesce(json_extract(reply, '$.shared'), 0)"""


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call of a dialogue: the step that asks, and the queue of requests that it stands in (one for each host)."""

    step: str
    queue: str


@dataclass(frozen=True)
class Answers:
    """How long answers take, in seconds, and how often a call is made again because an answer cannot be read.

    `measured` are the seconds of a run's answers by step, and `repeats` the calls made again for each call. Steps that
    were not measured take `seconds`. `lengths` are the shares of its rounds that each measured dialogue had.
    """

    seconds: float
    measured: dict[str, list[float]] = field(default_factory=dict)
    repeats: dict[str, float] = field(default_factory=dict)
    lengths: Sequence[float] = (1.0,)

    @classmethod
    def like(cls, run: Path, seconds: float) -> "Answers":
        """Return the answers of a run's journal."""
        latencies: dict[str, list[float]] = defaultdict(list)
        again: dict[str, int] = defaultdict(int)
        with opened_journal(existing_run(run) / JOURNAL) as journal:
            for step, repeated, latency in journal.select(_STEPS) if journal is not None else ():
                step = str(step).partition(".")[0]
                latencies[step].append(float(latency or 0.0))
                again[step] += bool(repeated)
        if not latencies:
            raise CocoonError(f"{run}: no call was answered in it. Name a run with calls, or give --seconds.")
        repeats = {step: again[step] / (len(times) - again[step]) for step, times in latencies.items()}
        return cls(seconds, dict(latencies), repeats, _lengths(run))


@dataclass(frozen=True)
class Workload:
    """The calls of a study. `talks` are those of single dialogues, which are made in turn, one call after the other.

    `ratings` are asked side by side once a dialogue is made, and `last` once all are.
    """

    talks: Sequence[Sequence[PlannedCall]]
    ratings: Sequence[PlannedCall]
    last: Sequence[PlannedCall]
    dialogues_of_a_person: int
    connections: int
    window: int


def _lengths(run: Path) -> list[float]:
    """Return which share of its rounds each dialogue of a run had. Users may end a talk early."""
    config = read_config(run)
    replies = [
        sum(turn.role == "supporter" for turn in dialogue.turns[1:])
        for dialogue in read_run(run, "dialogues.jsonl", Dialogue)
    ]
    return [number / config.rounds for number in replies] if config is not None and config.rounds and replies else [1.0]


def workload_of(config: StudyConfig, form_calls: int, lengths: Sequence[float] = (1.0,)) -> Workload:
    """Return the calls of a study's dialogues, which have these shares of their rounds in turn.

    `form_calls` measure the appraiser at the end.

    Raises CocoonError for agents of the user's own, who decide themselves what they ask.
    """
    judge, user = config.judge.model, config.user
    specs = [user.model, *(supporter.model for supporter in config.supporters), *([judge] if judge else [])]
    own = next((spec for spec in specs if spec.startswith(PREFIX)), None)
    if own is not None:
        raise CocoonError(f"{own} decides itself what it asks, so its calls cannot be planned. Name models instead.")
    appraiser = PlannedCall("appraise", _queue(user.appraiser or user.model))
    talks = [
        list(_talk(config, round(length * config.rounds), supporter.model, appraiser))
        for length in lengths
        for supporter in config.supporters
    ]
    ratings = [PlannedCall(JUDGE, _queue(judge))] * judges_wanted(config) if judge else []
    last = [appraiser] * form_calls if appraises(config) else []
    people = len(config.supporters) * config.samples
    return Workload(talks, ratings, last, people, config.concurrency, window_of(config.concurrency))


def _talk(config: StudyConfig, rounds: int, supporter: str, appraiser: PlannedCall) -> Iterator[PlannedCall]:
    for number in range(rounds):
        if number and appraises(config):
            yield appraiser
        yield PlannedCall("user", _queue(config.user.model))
        yield PlannedCall("supporter", _queue(supporter))


def _queue(spec: str) -> str:
    return host_of(spec) or spec
