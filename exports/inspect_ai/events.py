"""The transcript of a dialogue as Inspect's events: spans of stages, turns and nodes, with the calls inside.

The spans have types of our own, because Inspect folds every span of its type `agent` into a card. A text that several
calls share is stored once, in the sample's pool of messages.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cocoon.core.records import Rating, Turn
from cocoon.exports.material import ExportMaterial, WalkStep, role_of_call
from cocoon.models.journal.reader import Call

Event = dict[str, Any]
_STOP_REASONS = {"stop": "stop", "length": "max_tokens", "content_filter": "content_filter"}


def instant(seconds: float) -> str:
    """Return a time (seconds since 1970) as Inspect writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


class Transcript:
    """Events in the order in which they are added.

    `time` is the time of the latest event. Ids depend only on the dialogue's id.
    """

    def __init__(self, name: str, start: float, texts: dict[str, str]) -> None:
        self.events: list[Event] = []
        self.messages: list[Event] = []
        self.start = self.time = start
        self._name = name
        self._texts = texts
        self._pool: dict[tuple[str, str], int] = {}
        self._spans: list[str] = []

    def identity(self, label: object) -> str:
        """Return an id that another export of the same dialogue gives again."""
        return hashlib.blake2b(f"{self._name}\0{label}".encode("utf-8", "surrogatepass"), digest_size=11).hexdigest()

    def add(self, event: str, **fields: Any) -> None:
        """Add an event at the present time within the open spans."""
        span = {"span_id": self._spans[-1]} if self._spans else {}
        head = {"event": event, "uuid": self.identity(len(self.events)), **span, "timestamp": instant(self.time)}
        self.events.append({**head, "working_start": round(max(self.time - self.start, 0.0), 4), **fields})

    @contextmanager
    def span(self, kind: str, name: str) -> Iterator[None]:
        """Open a span around what is added inside."""
        span_id = self.identity(f"span {len(self.events)}")
        parent = {"parent_id": self._spans[-1]} if self._spans else {}
        self._spans.append(span_id)
        self.add("span_begin", id=span_id, **parent, type=kind, name=name)
        yield
        self.add("span_end", id=span_id)
        self._spans.pop()

    def call(self, call: Call) -> None:
        """Add a model call, at the time when it started."""
        entry = call.entry
        self.time = max(entry.answered_at - entry.latency, self.start)
        call_facts = {"key": entry.place.key, "rung": entry.rung, "legal_mass": entry.legal_mass or None}
        self.add(
            "model",
            model=entry.model,
            role=role_of_call(entry.place),
            input=[],
            input_refs=_index_ranges([self._pooled(role, sha) for role, sha in call.request]),
            tools=[],
            tool_choice="none",
            config={},
            output=_output(call, self.identity(entry.place.key)),
            retries=entry.retries,
            completed=instant(entry.answered_at),
            working_time=entry.latency,
            metadata={name: value for name, value in call_facts.items() if value is not None},
        )
        self.time = max(entry.answered_at, self.time)

    def _pooled(self, role: str, sha: str) -> int:
        index = self._pool.setdefault((role, sha), len(self.messages))
        if index == len(self.messages):
            text = self._texts.get(sha, "")
            self.messages.append({"id": f"{role}-{sha}", "role": role, "content": text})
        return index


def _index_ranges(indices: Sequence[int]) -> list[list[int]]:
    """Return indices in the pool as [first, after the last] pairs."""
    ranges: list[list[int]] = []
    for index in indices:
        if ranges and ranges[-1][1] == index:
            ranges[-1][1] = index + 1
        else:
            ranges.append([index, index + 1])
    return ranges


def _output(call: Call, message_id: str) -> dict[str, Any]:
    entry = call.entry
    message = {"id": message_id, "role": "assistant", "content": entry.text, "source": "generate", "model": entry.model}
    stop_reason = _STOP_REASONS.get(entry.finish or "", "unknown")
    usage = usage_of([call])
    return {
        "model": entry.model,
        "choices": [{"message": message, "stop_reason": stop_reason}],
        "completion": entry.text,
        **({"usage": usage} if usage else {}),
        "time": entry.latency,
    }


def usage_of(calls: Sequence[Call]) -> dict[str, int] | None:
    """Return the tokens of several calls, or None unless the server counted both ways for every call.

    Otherwise a partial count would look like the total.
    """
    token_sums = [0, 0]
    for call in calls:
        tokens = call.entry.tokens_in, call.entry.tokens_out
        if tokens[0] is None or tokens[1] is None:
            return None
        token_sums[0] += tokens[0]
        token_sums[1] += tokens[1]
    return (
        {"input_tokens": token_sums[0], "output_tokens": token_sums[1], "total_tokens": sum(token_sums)}
        if calls
        else None
    )


def dialogue_transcript(
    material: ExportMaterial, texts: dict[str, str], start: float, scored: Sequence[tuple[Rating, dict[str, Any]]]
) -> Transcript:
    """Return all events of a dialogue.

    `scored` has each rating with its score. `start` is used for dialogues without calls.
    """
    begun = min((call.entry.answered_at - call.entry.latency for call in material.calls.values()), default=start)
    record = Transcript(material.dialogue.id, begun, texts)
    for name, first, last in _stages(material):
        with record.span("stage", name):
            for number in range(first, last):
                _turn(record, material, number)
    if scored or material.failures:
        with record.span("stage", "assessment"):
            for rating, score in scored:
                _rating(record, material, rating, score)
            for failure in material.failures:
                record.add("info", source="failure", data=failure.model_dump(mode="json"))
    if others := material.others():
        with record.span("stage", "other calls"):
            for call in others:
                record.call(call)
    return record


def _stages(material: ExportMaterial) -> list[tuple[str, int, int]]:
    """Return (name, first turn, turn after the last) of each stage."""
    count, boundary = len(material.dialogue.turns), material.dialogue.stage_boundary
    if boundary is None:
        return [("conversation", 0, count)]
    return [("listening", 0, boundary), ("suggestion", boundary, count)]


def _turn(record: Transcript, material: ExportMaterial, number: int) -> None:
    turn = material.dialogue.turns[number]
    with record.span("turn", f"turn {number}: {turn.role}"):
        for step in material.walk[number]:
            _step(record, material, step)
        if not any(key in material.calls for key in turn.calls):
            record.add("info", source=turn.role, data=turn.content)
        for source, data in _turn_details(turn):
            record.add("info", source=source, data=data)


def _turn_details(turn: Turn) -> Iterator[tuple[str, Any]]:
    if turn.thought is not None:
        yield "thought", turn.thought.model_dump(mode="json")
    if turn.draft is not None:
        yield "draft", turn.draft
    if turn.state is not None:
        yield "user state", turn.state.model_dump(mode="json")
    if turn.scores:
        yield "scores of the corpus", turn.scores


def _step(record: Transcript, material: ExportMaterial, step: WalkStep) -> None:
    with record.span("node", step.node):
        for key in step.calls:
            if key in material.calls:
                record.call(material.calls[key])


def _rating(record: Transcript, material: ExportMaterial, rating: Rating, score: dict[str, Any]) -> None:
    with record.span("node", f"judge {rating.scale}" + (f", vote {rating.vote}" if rating.vote else "")):
        for key in rating.calls:
            if key in material.calls:
                record.call(material.calls[key])
        target = material.dialogue.profile.need
        record.add("score", score=score, **({"target": target} if target else {}), scorer=rating.scale)
