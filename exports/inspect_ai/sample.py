"""A dialogue as Inspect's EvalSample, and the summary that the list of samples shows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cocoon.core.records import Dialogue, Failure
from cocoon.evaluation.scales.scoring import Scale
from cocoon.exports.inspect_ai.events import Transcript, dialogue_transcript, instant, usage_of
from cocoon.exports.inspect_ai.scores import Score, named_scores, score_of
from cocoon.exports.material import ExportMaterial, role_of_call
from cocoon.models.journal.reader import Call

Sample = dict[str, Any]
_ROLES = {"user": "user", "supporter": "assistant"}
_LONGEST = 1_000


@dataclass(frozen=True)
class Placed:
    """The position of a dialogue in a log: the id of its sample and the epoch, from 1."""

    id: str
    epoch: int


def sample_of(
    material: ExportMaterial,
    texts: Mapping[str, str],
    place: Placed,
    scales: Mapping[str, Scale],
    start: float,
    *,
    several_judges: bool,
) -> Sample:
    """Return the complete sample.

    `texts` are the texts of its calls by hash, and `start` is the time of a dialogue that states none.
    """
    dialogue = material.dialogue
    votes = named_scores(material.ratings, several_judges=several_judges)
    scored = [(vote, score_of([vote], scales.get(vote.scale))) for group in votes.values() for vote in group]
    record = dialogue_transcript(material, dict(texts), start, scored)
    calls = list(material.calls.values())
    return {
        "id": place.id,
        "epoch": place.epoch,
        "input": _input(dialogue),
        "target": dialogue.profile.need or "",
        "messages": _messages(material, record),
        "output": _output(material, record),
        "scores": {name: score_of(group, scales.get(group[0].scale)) for name, group in votes.items()},
        "metadata": _metadata(material),
        "store": {},
        "events": record.events,
        "model_usage": _usage(calls, lambda call: call.entry.model),
        "role_usage": _usage(calls, lambda call: role_of_call(call.entry.place)),
        "started_at": instant(record.start),
        "completed_at": instant(record.time),
        "total_time": round(record.time - record.start, 4),
        "uuid": record.identity("sample"),
        "attachments": {},
        "events_data": {"messages": record.messages, "calls": []},
    }


def _input(dialogue: Dialogue) -> str:
    """Return what the simulation starts from: the feeling, or the scenario where a corpus states no feeling."""
    return dialogue.profile.feeling or dialogue.profile.scenario


def _messages(material: ExportMaterial, record: Transcript) -> list[dict[str, Any]]:
    messages = []
    for number, turn in enumerate(material.dialogue.turns):
        metadata: dict[str, Any] = {"turn": number}
        if (question_types := material.asked[number]) is not None:
            metadata |= {
                "questions": [kind for kind in question_types if kind != "none"],
                "counted": material.counted[number],
            }
        if turn.thought is not None:
            metadata |= {"analysis": turn.thought.analysis, "strategy": turn.thought.strategy}
        if turn.draft is not None:
            metadata["draft"] = turn.draft
        if turn.state is not None:
            metadata |= {"trust": turn.state.trust, "unlocked": turn.state.unlocked}
        message = {"id": record.identity(f"turn {number}"), "role": _ROLES[turn.role], "content": turn.content}
        messages.append({**message, "metadata": metadata})
    return messages


def _output(material: ExportMaterial, record: Transcript) -> dict[str, Any]:
    """Return the supporter's last reply."""
    dialogue = material.dialogue
    last = next(
        (number for number in reversed(range(len(dialogue.turns))) if dialogue.turns[number].role == "supporter"), None
    )
    if last is None:
        return {"model": dialogue.supporter, "choices": []}
    text = dialogue.turns[last].content
    message = {"id": record.identity(f"turn {last}"), "role": "assistant", "content": text}
    choice = {"message": message, "stop_reason": "stop"}
    return {"model": dialogue.supporter, "choices": [choice], "completion": text}


def _metadata(material: ExportMaterial) -> dict[str, Any]:
    dialogue, profile = material.dialogue, material.dialogue.profile
    facts = {
        "emotion": profile.emotion,
        "feeling": profile.feeling,
        "scenario": profile.scenario,
        "memory": [memory.model_dump(mode="json") for memory in profile.memory],
        "chain": [step.model_dump(mode="json") for step in profile.chain],
        "dialogue": dialogue.id,
        "profile": profile.id,
        "language": dialogue.language,
        "turns": len(dialogue.turns),
        "question_ratio": material.question_ratio,
        "probing_ratio": material.probing_ratio,
        "stage_boundary": dialogue.stage_boundary,
        "stop_reason": dialogue.stop_reason,
        "user_kind": dialogue.user_kind,
        "difficulty": dialogue.difficulty,
        "rules": dialogue.rules,
        "facts": dialogue.facts,
        "source": dialogue.source,
        "licence": dialogue.licence,
        "calls_without_token_counts": sum(
            call.entry.tokens_in is None or call.entry.tokens_out is None for call in material.calls.values()
        ),
    }
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


def _usage(calls: Sequence[Call], key: Any) -> dict[str, dict[str, int]]:
    """Return the tokens by model or role. A name is left out where a server did not count all of them."""
    calls_by_name: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        calls_by_name[key(call)].append(call)
    return {name: usage for name, group in calls_by_name.items() if (usage := usage_of(group)) is not None}


def failed_sample(failures: Sequence[Failure], epoch: int, start: float) -> Sample:
    """Return a dialogue that failed as a sample, with the reason as Inspect's error."""
    first = failures[0]
    message = "\n".join(f"{failure.stage}, {failure.node}: {failure.reason}: {failure.message}" for failure in failures)
    record = Transcript(first.dialogue, start, {})
    return {
        "id": first.dialogue,
        "epoch": epoch,
        "input": "",
        "target": "",
        "messages": [],
        "output": {"model": "", "choices": []},
        "scores": {},
        "metadata": {"dialogue": first.dialogue},
        "store": {},
        "events": [],
        "model_usage": {},
        "role_usage": {},
        "uuid": record.identity("sample"),
        "error": {"message": message, "traceback": message, "traceback_ansi": message},
        "attachments": {},
    }


def sample_summary(sample: Sample) -> dict[str, Any]:
    """Return what the list of samples needs, which is small for every dialogue."""
    names = ("id", "epoch", "model_usage", "role_usage", "started_at", "completed_at", "total_time", "uuid")
    small = {name: sample[name] for name in names if name in sample}
    return {
        **small,
        "input": sample["input"][:_LONGEST],
        "target": sample["target"][:_LONGEST],
        "metadata": {name: _short(value) for name, value in sample["metadata"].items() if _is_plain(value)},
        "scores": {name: _short_score(score) for name, score in sample["scores"].items()},
        **({"error": sample["error"]["message"][:_LONGEST]} if "error" in sample else {}),
        "completed": "error" not in sample,
        "message_count": len(sample["messages"]),
    }


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _short(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value


def _short_score(score: Score) -> Score:
    short_score = {name: value for name, value in score.items() if name in ("value", "reason")}
    if explanation := score.get("explanation"):
        short_score["explanation"] = explanation[:_LONGEST]
    return short_score
