"""One dialogue of a sweep as numbers: what was assigned, what was measured, how it was rated."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.journal_reader import JournalReader, opened_journal
from cocoon.core.jsonl import parse_record, read_lines, write_whole
from cocoon.core.local_weights import Weights
from cocoon.core.messages import Message
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Rating, Record
from cocoon.core.run_folder import read_run
from cocoon.evaluation.groups import majority, mean_of_votes
from cocoon.evaluation.question_records import QuestionType
from cocoon.evaluation.questions import counted_turns, question_ratio
from cocoon.evaluation.success import ATTRIBUTED, PAPER
from cocoon.steering.behaviour import reply_asks
from cocoon.steering.score import surprise
from cocoon.steering.shared_pass import TokenRow
from cocoon.studies.sweep import USERS, SweepArm, SweepPlan

NATS = "nats.jsonl"
COMFORT = "comfort"
AFFECTIVE, NEGATIVE = "affective_improvement", "negative_helper_evaluation"


class DialogueNats(Record):
    """Mean surprise of a dialogue's replies in nats per token under the unsteered base; none without a reply."""

    dialogue: str
    nats: float | None


@dataclass(frozen=True)
class Observation:
    """A dialogue of the sweep; none is missing.

    `ratio`: replies with a genuine question by form (a sentence that was cut off is none) / replies; `marked`: replies
    with a question mark / replies.
    `types`: sentences by type. `success` in both modes; `affective` 1 to 7, `turned` is 7 - Neg. `nats` per token,
    `length` in characters per reply. `by_turn`: for each reply in order, whether it asks.
    """

    user: str
    arm: SweepArm
    profile: str
    dialogue: str
    ratio: float | None
    marked: float | None
    types: Mapping[QuestionType, int]
    success: bool | None
    attributed: bool | None
    affective: float | None
    turned: float | None
    nats: float | None
    length: float | None
    by_turn: tuple[bool, ...]


def observations(out: Path, plan: SweepPlan) -> list[Observation]:
    """Every dialogue of a sweep's folder with its ratings."""
    arms = {arm.name: arm for arm in plan.arms}
    found: list[Observation] = []
    for user in plan.users:
        run = out / USERS / user
        if not (run / "dialogues.jsonl").exists():
            continue
        ratings: dict[str, dict[str, list[Rating]]] = defaultdict(lambda: defaultdict(list))
        for rating in read_run(run, "ratings.jsonl", Rating):
            if not rating.not_applicable:
                ratings[rating.dialogue][rating.scale].append(rating)
        nats = read_nats(run)
        with opened_journal(run / "journal.sqlite") as journal:
            for dialogue in read_run(run, "dialogues.jsonl", Dialogue):
                if dialogue.supporter in arms:
                    cut = _cut_off(journal, dialogue.id)
                    found.append(_observed(user, arms[dialogue.supporter], dialogue, ratings[dialogue.id], nats, cut))
    return found


def _cut_off(journal: JournalReader | None, dialogue: str) -> set[str]:
    """The calls of a dialogue whose replies met their limit of tokens."""
    calls = journal.calls(dialogue) if journal else []
    return {call.entry.place.key for call in calls if call.entry.finish == "length"}


def _observed(
    user: str,
    arm: SweepArm,
    dialogue: Dialogue,
    ratings: Mapping[str, list[Rating]],
    nats: Mapping[str, float | None],
    cut: AbstractSet[str],
) -> Observation:
    turns = counted_turns(dialogue.turns)
    replies = [turn.content for turn in turns]
    asking = tuple(reply_asks(turn.content, dialogue.language, ended=cut.isdisjoint(turn.calls[-1:])) for turn in turns)
    stats = question_ratio(dialogue.turns, dialogue.language)
    negative = mean_of_votes(NEGATIVE)(ratings.get(COMFORT, []))
    return Observation(
        user=user,
        arm=arm,
        profile=dialogue.profile.id,
        dialogue=dialogue.id,
        ratio=sum(asking) / len(asking) if asking else None,
        marked=stats.mark_share,
        types=stats.types,
        success=majority(ratings.get(PAPER, [])),
        attributed=majority(ratings.get(ATTRIBUTED, [])),
        affective=mean_of_votes(AFFECTIVE)(ratings.get(COMFORT, [])),
        turned=7 - negative if negative is not None else None,
        nats=nats.get(dialogue.id),
        length=sum(map(len, replies)) / len(replies) if replies else None,
        by_turn=asking,
    )


def read_nats(run: Path) -> dict[str, float | None]:
    """What `measure_nats` wrote, by dialogue."""
    path = run / NATS
    if not path.exists():
        return {}
    lines = [parse_record(line, DialogueNats, f"{path}: line {number}") for number, line in read_lines(path)]
    return {one.dialogue: one.nats for one in lines}


def measure_nats(weights: Weights, run: Path) -> None:
    """Score the replies of dialogues that have no figure yet, each after what was said before it, and keep them.

    All arms are scored under the prompt `supporter/plain`, so that figures can be compared.
    """
    known = read_nats(run)
    rows: list[TokenRow] = []
    owners: list[str] = []
    new: dict[str, list[float]] = {}
    for dialogue in read_run(run, "dialogues.jsonl", Dialogue):
        if dialogue.id in known:
            continue
        new[dialogue.id] = []
        for row in _reply_rows(weights, dialogue):
            rows.append(row)
            owners.append(dialogue.id)
    if not new:
        return
    for owner, value in zip(owners, surprise(weights, rows).tolist() if rows else [], strict=True):
        new[owner].append(value)
    made = [DialogueNats(dialogue=name, nats=nats) for name, nats in known.items()]
    made += [DialogueNats(dialogue=name, nats=sum(some) / len(some) if some else None) for name, some in new.items()]
    write_whole(run / NATS, [f"{one.model_dump_json()}\n".encode() for one in made])


def _reply_rows(weights: Weights, dialogue: Dialogue) -> list[TokenRow]:
    told: list[Message] = [{"role": "system", "content": load_prompt("supporter/plain", dialogue.language).render()}]
    counted = {id(turn) for turn in counted_turns(dialogue.turns)}
    roles = {"user": "user", "supporter": "assistant"}
    rows: list[TokenRow] = []
    for place, turn in enumerate(dialogue.turns):
        if id(turn) not in counted or not turn.content.strip():
            continue
        before: list[Message] = [{"role": roles[one.role], "content": one.content} for one in dialogue.turns[:place]]
        first, ids = weights.template.with_reply([*told, *before], turn.content)
        rows.append(TokenRow(tuple(ids), (first - 1, len(ids)), f"{dialogue.id}.{place}"))
    return rows


def of_arms(found: Sequence[Observation], user: str, arms: Sequence[SweepArm]) -> list[Observation]:
    """The dialogues of some arms with one kind of user."""
    names = {arm.name for arm in arms}
    return [one for one in found if one.user == user and one.arm.name in names]
