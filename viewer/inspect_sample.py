"""A dialogue as Inspect's EvalSample, and the summary that the list of samples shows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cocoon.core.journal_reader import Call
from cocoon.core.records import Dialogue, Failure
from cocoon.evaluation.scales import Scale
from cocoon.viewer.export_material import Material, role_of
from cocoon.viewer.inspect_events import Transcript, instant, transcript, usage_of
from cocoon.viewer.inspect_scores import Score, named_scores, score_of

Sample = dict[str, Any]
_ROLES = {"user": "user", "supporter": "assistant"}
_LONGEST = 1_000


@dataclass(frozen=True)
class Placed:
    """Where a dialogue stands in a log: the id of its sample and the epoch, from 1."""

    id: str
    epoch: int


def sample_of(
    material: Material,
    texts: Mapping[str, str],
    place: Placed,
    scales: Mapping[str, Scale],
    start: float,
    *,
    several_judges: bool,
) -> Sample:
    """The whole sample; `texts` are those of its calls by hash, `start` the time of a dialogue that tells none."""
    dialogue = material.dialogue
    votes = named_scores(material.ratings, several_judges=several_judges)
    scored = [(one, score_of([one], scales.get(one.scale))) for some in votes.values() for one in some]
    made = transcript(material, dict(texts), start, scored)
    calls = list(material.calls.values())
    return {
        "id": place.id,
        "epoch": place.epoch,
        "input": _input(dialogue),
        "target": dialogue.profile.need or "",
        "messages": _messages(material, made),
        "output": _output(material, made),
        "scores": {name: score_of(some, scales.get(some[0].scale)) for name, some in votes.items()},
        "metadata": _metadata(material),
        "store": {},
        "events": made.events,
        "model_usage": _usage(calls, lambda call: call.entry.model),
        "role_usage": _usage(calls, lambda call: role_of(call.entry.place)),
        "started_at": instant(made.start),
        "completed_at": instant(made.time),
        "total_time": round(made.time - made.start, 4),
        "uuid": made.identity("sample"),
        "attachments": {},
        "events_data": {"messages": made.messages, "calls": []},
    }


def _input(dialogue: Dialogue) -> str:
    """What the simulation starts from: the feeling, or the scenario where a corpus states no feeling."""
    return dialogue.profile.feeling or dialogue.profile.scenario


def _messages(material: Material, made: Transcript) -> list[dict[str, Any]]:
    found = []
    for number, turn in enumerate(material.dialogue.turns):
        told: dict[str, Any] = {"turn": number}
        if (asked := material.asked[number]) is not None:
            told |= {"questions": [one for one in asked if one != "none"], "counted": material.counted[number]}
        if turn.thought is not None:
            told |= {"analysis": turn.thought.analysis, "strategy": turn.thought.strategy}
        if turn.draft is not None:
            told["draft"] = turn.draft
        if turn.state is not None:
            told |= {"trust": turn.state.trust, "unlocked": turn.state.unlocked}
        message = {"id": made.identity(f"turn {number}"), "role": _ROLES[turn.role], "content": turn.content}
        found.append({**message, "metadata": told})
    return found


def _output(material: Material, made: Transcript) -> dict[str, Any]:
    """The supporter's last words."""
    dialogue = material.dialogue
    last = next((n for n in reversed(range(len(dialogue.turns))) if dialogue.turns[n].role == "supporter"), None)
    if last is None:
        return {"model": dialogue.supporter, "choices": []}
    text = dialogue.turns[last].content
    message = {"id": made.identity(f"turn {last}"), "role": "assistant", "content": text}
    choice = {"message": message, "stop_reason": "stop"}
    return {"model": dialogue.supporter, "choices": [choice], "completion": text}


def _metadata(material: Material) -> dict[str, Any]:
    dialogue, profile = material.dialogue, material.dialogue.profile
    told = {
        "emotion": profile.emotion,
        "feeling": profile.feeling,
        "scenario": profile.scenario,
        "memory": [one.model_dump(mode="json") for one in profile.memory],
        "chain": [one.model_dump(mode="json") for one in profile.chain],
        "dialogue": dialogue.id,
        "profile": profile.id,
        "language": dialogue.language,
        "turns": len(dialogue.turns),
        "question_ratio": material.question_ratio,
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
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}


def _usage(calls: Sequence[Call], key: Any) -> dict[str, dict[str, int]]:
    """Tokens by model or role; left out where a server did not count all of them."""
    groups: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        groups[key(call)].append(call)
    return {name: usage for name, some in groups.items() if (usage := usage_of(some)) is not None}


def failed_sample(failures: Sequence[Failure], epoch: int, start: float) -> Sample:
    """A dialogue that could not be made, with the reason as Inspect's error."""
    first = failures[0]
    said = "\n".join(f"{one.stage}, {one.node}: {one.reason}: {one.message}" for one in failures)
    made = Transcript(first.dialogue, start, {})
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
        "uuid": made.identity("sample"),
        "error": {"message": said, "traceback": said, "traceback_ansi": said},
        "attachments": {},
    }


def summary_of(sample: Sample) -> dict[str, Any]:
    """What the list of samples needs: small, whatever the dialogue holds."""
    kept = ("id", "epoch", "model_usage", "role_usage", "started_at", "completed_at", "total_time", "uuid")
    small = {name: sample[name] for name in kept if name in sample}
    return {
        **small,
        "input": sample["input"][:_LONGEST],
        "target": sample["target"][:_LONGEST],
        "metadata": {name: _short(value) for name, value in sample["metadata"].items() if _is_plain(value)},
        "scores": {name: _thin(score) for name, score in sample["scores"].items()},
        **({"error": sample["error"]["message"][:_LONGEST]} if "error" in sample else {}),
        "completed": "error" not in sample,
        "message_count": len(sample["messages"]),
    }


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _short(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value


def _thin(score: Score) -> Score:
    thin = {name: value for name, value in score.items() if name in ("value", "reason")}
    if said := score.get("explanation"):
        thin["explanation"] = said[:_LONGEST]
    return thin
