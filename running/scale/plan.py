"""`plan`: what a study takes on one machine and on several: calls, time and money."""

from pathlib import Path

from pydantic import Field

from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines
from cocoon.core.records import Language, Record
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings
from cocoon.models.journal.reader import opened_journal
from cocoon.models.ledger import Ledger
from cocoon.running.checks.form_invariance import form_calls
from cocoon.running.estimate import expected_ledger
from cocoon.running.folder import JOURNAL
from cocoon.running.scale.queues import seconds_of
from cocoon.running.scale.workload import Answers, Workload, workload_of
from cocoon.running.study import read_profiles


class PlanConfig(Record):
    """What a plan assumes beside the study. `like` is a run whose answers are taken as measured."""

    machines: list[int] = flag([1, 2, 4, 8], "Numbers of machines, a process on each.", commas=True, min_length=1)
    people: int | None = flag(None, "So many people, instead of those of the profiles.", ge=1)
    like: Path | None = None
    seconds: float = flag(2.0, "Seconds of an answer that was not measured.", gt=0)
    endpoint_calls: int | None = flag(None, "Most calls that the endpoint answers at once, for all machines.", ge=1)
    cpu_ms: float = flag(4.0, "Milliseconds of a process's processor for a call.", ge=0)
    start: float = Field(default=3.0, ge=0, description="Seconds until a process has loaded its modules.")


PLAN = VerbSettings("plan", PlanConfig)


class PlanRow(Record):
    """A study on so many machines. `dialogues` are those of one with the most. `cost` is None without prices."""

    machines: int
    dialogues: int
    calls: int
    seconds: float
    calls_a_second: float
    speed_up: float
    cost: float | None


def plan_study(config: StudyConfig, assumed: PlanConfig) -> list[PlanRow]:
    """Return what a study takes on each number of machines, by a model of its queues. No model is asked.

    Raises CocoonError for numbers of machines that are none or more than the people.
    """
    people, languages = _people(config, assumed)
    wrong = [number for number in assumed.machines if not 1 <= number <= people]
    if wrong:
        raise CocoonError(f"machines {wrong[0]}: there are {people} people to share out. Give 1 to {people}.")
    answers = Answers(assumed.seconds) if assumed.like is None else Answers.like(assumed.like, assumed.seconds)
    workload = workload_of(config, form_calls(languages, config.form_pairs), answers.lengths)
    dialogues = people * workload.dialogues_of_a_person
    calls, cost = _calls(workload, answers, dialogues), _cost(config, assumed.like, dialogues, languages)
    alone = _seconds(workload, answers, assumed, people, 1)
    rows: list[PlanRow] = []
    for machines in assumed.machines:
        seconds = _seconds(workload, answers, assumed, people, machines)
        rows.append(
            PlanRow(
                machines=machines,
                dialogues=-(-people // machines) * workload.dialogues_of_a_person,
                calls=calls,
                seconds=round(seconds, 1),
                calls_a_second=round(calls / seconds, 2),
                speed_up=round(alone / seconds, 2),
                cost=cost,
            )
        )
    return rows


def _people(config: StudyConfig, assumed: PlanConfig) -> tuple[int, list[Language]]:
    if assumed.people is not None and not config.profiles:
        return assumed.people, [config.language] if config.language else ["en", "zh"]
    profiles = read_profiles(config)
    return assumed.people or len(profiles), sorted({profile.language for profile in profiles})


def _seconds(workload: Workload, answers: Answers, assumed: PlanConfig, people: int, machines: int) -> float:
    """Return how long the machine with the most people works, the first one, which also measures the appraiser."""
    connections = workload.connections
    if assumed.endpoint_calls is not None:
        connections = max(1, min(connections, assumed.endpoint_calls // machines))
    dialogues = -(-people // machines) * workload.dialogues_of_a_person
    return assumed.start + seconds_of(workload, answers, connections, assumed.cpu_ms / 1000, dialogues)


def _calls(workload: Workload, answers: Answers, dialogues: int) -> int:
    """Return the calls of so many dialogues, those made again for an answer that could not be read included."""
    talks = [call for talk in workload.talks for call in talk]
    each = [(call, dialogues / len(workload.talks)) for call in talks]
    each += [(call, float(dialogues)) for call in workload.ratings] + [(call, 1.0) for call in workload.last]
    return round(sum(times * (1 + answers.repeats.get(call.step, 0.0)) for call, times in each))


def _cost(config: StudyConfig, like: Path | None, dialogues: int, languages: list[Language]) -> float | None:
    """Return the money: by the tokens of a measured run where one is given, otherwise by the estimate of a dry run."""
    if like is None:
        cost = expected_ledger(config, dialogues, languages=languages).cost
        return None if cost is None else round(cost, 2)
    with opened_journal(like / JOURNAL) as journal:
        spent = Ledger.of(journal.spent(), config.prices).cost if journal is not None else None
    measured = sum(1 for _ in read_lines(like / "dialogues.jsonl"))
    return None if spent is None or not measured else round(spent * dialogues / measured, 2)
