"""One dialogue of a sweep as numbers: the assigned coefficient, what was measured, and the ratings."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path

from cocoon.core.jsonl import parse_record, read_lines, write_whole
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Rating, Record
from cocoon.evaluation.groups import majority, mean_of_votes
from cocoon.evaluation.questions.detection import counted_turns, question_ratio
from cocoon.evaluation.questions.records import QuestionType
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.models.journal.reader import JournalReader, opened_journal
from cocoon.models.local.weights import Weights
from cocoon.models.messages import Message
from cocoon.running.folder import read_run
from cocoon.steering.calibration.behaviour import reply_asks, reply_only_marked
from cocoon.steering.calibration.detector import Trust
from cocoon.steering.calibration.score import surprise
from cocoon.steering.directions.shared_pass import TokenRow
from cocoon.studies.sweep.coherence import read_coherence
from cocoon.studies.sweep.plan import USERS, SweepArm, SweepPlan

NATS = "nats.jsonl"
COMFORT = "comfort"
AFFECTIVE, NEGATIVE = "affective_improvement", "negative_helper_evaluation"


class DialogueNats(Record):
    """Mean surprise of a dialogue's replies in nats per token under the unsteered base, None without a reply."""

    dialogue: str
    nats: float | None


@dataclass(frozen=True)
class Observation:
    """A dialogue of the sweep. None means missing.

    `ratio` is the share of replies with a genuine question by form (a sentence that was cut off does not count).
    `marked` is the share of replies with a question mark. `types` counts sentences by type. `success` and `attributed`
    are the success in both modes. `affective` is 1 to 7, and `turned` is 7 - Neg. `nats` is per token, and `length` in
    characters per reply. `by_turn` says for each reply in order whether it asks. `probing` is the share of replies with
    a request to tell that is no question by form. `only_marked` is the share with question marks and no question.
    `coherent` is the share of the replies read by a judge that are coherent.
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
    probing: float | None = None
    only_marked: float | None = None
    coherent: float | None = None

    def ratio_by(self, reader: Trust | None) -> float | None:
        """Return the ratio as a reader would count it, or the detector's without one."""
        if reader is None or self.ratio is None or self.only_marked is None:
            return self.ratio
        return reader.ratio(self.ratio, self.only_marked)


def observations(out: Path, plan: SweepPlan) -> list[Observation]:
    """Return every dialogue of a sweep's folder with its ratings."""
    arms = {arm.name: arm for arm in plan.arms}
    collected: list[Observation] = []
    for user in plan.users:
        run = out / USERS / user
        if not (run / "dialogues.jsonl").exists():
            continue
        ratings: dict[str, dict[str, list[Rating]]] = defaultdict(lambda: defaultdict(list))
        for rating in read_run(run, "ratings.jsonl", Rating):
            if not rating.not_applicable:
                ratings[rating.dialogue][rating.scale].append(rating)
        nats, coherence = read_nats(run), read_coherence(run)
        with opened_journal(run / "journal.sqlite") as journal:
            for dialogue in read_run(run, "dialogues.jsonl", Dialogue):
                if dialogue.supporter in arms:
                    cut = _cut_off(journal, dialogue.id)
                    observed = _observed(user, arms[dialogue.supporter], dialogue, ratings[dialogue.id], nats, cut)
                    read = coherence.get(dialogue.id)
                    collected.append(replace(observed, coherent=read.share if read else None))
    return collected


def _cut_off(journal: JournalReader | None, dialogue: str) -> set[str]:
    """Return the calls of a dialogue whose replies reached their token limit."""
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
    ended = [cut.isdisjoint(turn.calls[-1:]) for turn in turns]
    language = dialogue.language
    pairs = list(zip(replies, ended, strict=True))
    asking = tuple(reply_asks(text, language, ended=whole_reply) for text, whole_reply in pairs)
    marked = [reply_only_marked(text, language, ended=whole_reply) for text, whole_reply in pairs]
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
        probing=stats.probing_ratio,
        only_marked=sum(marked) / len(marked) if marked else None,
    )


def read_nats(run: Path) -> dict[str, float | None]:
    """Return what `measure_nats` wrote, by dialogue."""
    path = run / NATS
    if not path.exists():
        return {}
    scores = [parse_record(line, DialogueNats, f"{path}: line {number}") for number, line in read_lines(path)]
    return {score.dialogue: score.nats for score in scores}


def measure_nats(weights: Weights, run: Path) -> None:
    """Score and store the replies of dialogues that have no score yet, each reply after what was said before it.

    All arms are scored with the prompt `supporter/plain`, so that scores can be compared.
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
    for owner, nats in zip(owners, surprise(weights, rows).tolist() if rows else [], strict=True):
        new[owner].append(nats)
    scores = [DialogueNats(dialogue=name, nats=nats) for name, nats in known.items()]
    scores += [
        DialogueNats(dialogue=name, nats=sum(reply_nats) / len(reply_nats) if reply_nats else None)
        for name, reply_nats in new.items()
    ]
    write_whole(run / NATS, [f"{score.model_dump_json()}\n".encode() for score in scores])


def _reply_rows(weights: Weights, dialogue: Dialogue) -> list[TokenRow]:
    system_messages: list[Message] = [
        {"role": "system", "content": load_prompt("supporter/plain", dialogue.language).render()}
    ]
    counted = {id(turn) for turn in counted_turns(dialogue.turns)}
    roles = {"user": "user", "supporter": "assistant"}
    rows: list[TokenRow] = []
    for index, turn in enumerate(dialogue.turns):
        if id(turn) not in counted or not turn.content.strip():
            continue
        before: list[Message] = [
            {"role": roles[earlier_turn.role], "content": earlier_turn.content}
            for earlier_turn in dialogue.turns[:index]
        ]
        first, ids = weights.template.with_reply([*system_messages, *before], turn.content)
        rows.append(TokenRow(tuple(ids), (first - 1, len(ids)), f"{dialogue.id}.{index}"))
    return rows


def of_arms(found: Sequence[Observation], user: str, arms: Sequence[SweepArm]) -> list[Observation]:
    """Return the dialogues of these arms with one kind of user."""
    names = {arm.name for arm in arms}
    return [observation for observation in found if observation.user == user and observation.arm.name in names]
