"""A dialogue as OpenTelemetry spans by the GenAI conventions (`gen_ai.*`), with our own facts as `cocoon.*`.

A trace is a dialogue. `invoke_agent conversation` stands above `invoke_agent supporter` or `user` for each turn, and
these stand above `chat` for each call. `invoke_agent judge` stands beside the turns. Ratings are
`gen_ai.evaluation.result` events. Text (prompts, replies, explanations, profiles) is left out unless the caller asks
for it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from cocoon.core.records import Rating
from cocoon.exports.material import ExportMaterial, role_of_call, success_words
from cocoon.exports.otel.records import CLIENT, INTERNAL, EventRecord, SpanRecord, Value, span_identity
from cocoon.models.journal.reader import Call

_NANO = 1_000_000_000
EVALUATION = "gen_ai.evaluation.result"
_PROVIDERS = {"local": "cocoon.local", "scripted": "cocoon.scripted"}


@dataclass
class Telemetry:
    """The spans and events of one dialogue.

    `texts` has the texts of the calls by hash, and is None where text is left out.
    """

    key: str
    conversation: str
    start: float
    texts: Mapping[str, str] | None
    spans: list[SpanRecord] = field(default_factory=list)
    events: list[EventRecord] = field(default_factory=list)

    @property
    def trace(self) -> str:
        """Return the id of the trace."""
        return span_identity(32, self.key)

    def span_id(self, *parts: object) -> str:
        """Return the id of a span."""
        return span_identity(16, self.key, *parts)

    def agent(self, name: str, parent: str | None, calls: Sequence[Call], *parts: object, **facts: Value | None) -> str:
        """Add a span for an agent's work, with the spans of its calls below it, and return its id."""
        span = self.span_id(*parts)
        begun = min((_begun(call) for call in calls), default=self._latest(parent))
        ended = max((call.entry.answered_at for call in calls), default=begun)
        agent_facts = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
        self.add(span, parent, f"invoke_agent {name}", INTERNAL, (begun, ended), {**agent_facts, **_dotted(facts)})
        for call in calls:
            self._chat(call, span)
        return span

    def _latest(self, parent: str | None) -> float:
        """Return the time of a turn without a call: the end of what came before it."""
        ends = [span.end / _NANO for span in self.spans if span.parent == parent and parent]
        return max(ends, default=self.start)

    def _chat(self, call: Call, parent: str) -> None:
        entry = call.entry
        attributes: dict[str, Value | None] = {
            "gen_ai.operation.name": "chat",
            **served_by(entry.model),
            "gen_ai.usage.input_tokens": entry.tokens_in,
            "gen_ai.usage.output_tokens": entry.tokens_out,
            "gen_ai.response.finish_reasons": [entry.finish] if entry.finish else None,
            "gen_ai.output.type": "json" if entry.rung else "text",
            "cocoon.call": entry.place.key,
            "cocoon.role": role_of_call(entry.place),
            "cocoon.rung": entry.rung,
            "cocoon.retries": entry.retries,
        }
        if self.texts is not None:
            prompt = [_message(role, self.texts.get(sha, "")) for role, sha in call.request]
            attributes["gen_ai.input.messages"] = orjson.dumps(prompt).decode()
            answer = _message("assistant", entry.text) | {"finish_reason": entry.finish or "unknown"}
            attributes["gen_ai.output.messages"] = orjson.dumps([answer]).decode()
        name = f"chat {attributes['gen_ai.request.model']}"
        kind = INTERNAL if attributes["gen_ai.provider.name"] in _PROVIDERS.values() else CLIENT
        self.add(self.span_id(entry.place.key), parent, name, kind, (_begun(call), entry.answered_at), attributes)

    def add(
        self,
        span: str,
        parent: str | None,
        name: str,
        kind: int,
        times: tuple[float, float],
        attributes: Mapping[str, Value | None],
    ) -> None:
        """Add a span from `times` (seconds since 1970) with the attributes that have a value."""
        known = {key: value for key, value in attributes.items() if value is not None}
        known["gen_ai.conversation.id"] = self.conversation
        start, end = map(_nanoseconds, times)
        failed = "error.type" in known
        self.spans.append(SpanRecord(self.trace, span, parent, name, kind, start, max(start, end), known, failed))

    def result(self, parent: str, time: float, attributes: Mapping[str, Value | None]) -> None:
        """Add an evaluation result of the span `parent`."""
        known = {key: value for key, value in attributes.items() if value is not None}
        known["gen_ai.conversation.id"] = self.conversation
        self.events.append(EventRecord(self.trace, parent, EVALUATION, _nanoseconds(time), known))


def _nanoseconds(time: float) -> int:
    """Return a time in nanoseconds. Our times are exact to the microsecond."""
    return round(time * 1_000_000) * 1_000


def _begun(call: Call) -> float:
    return call.entry.answered_at - call.entry.latency


def _dotted(facts: Mapping[str, Value | None]) -> dict[str, Value | None]:
    """Return keyword names as attribute names: `turn_index` becomes `cocoon.turn_index`."""
    return {"error.type" if name == "error" else f"cocoon.{name}": value for name, value in facts.items()}


def _message(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def served_by(label: str) -> dict[str, Value | None]:
    """Return provider, model and server of a model's label.

    A server that speaks OpenAI's protocol has `openai` as its provider.
    """
    address, _, model = label.partition("#")
    if "://" in address:
        url = urlsplit(address)
        server = {"server.address": url.hostname, "server.port": url.port}
        return {"gen_ai.provider.name": "openai", "gen_ai.request.model": model or address, **server}
    kind, _, name = label.partition(":")
    return {"gen_ai.provider.name": _PROVIDERS.get(kind, kind or "unknown"), "gen_ai.request.model": name or label}


def telemetry(material: ExportMaterial, key: str, start: float, texts: Mapping[str, str] | None) -> Telemetry:
    """Return all spans and events of one dialogue.

    `key` decides the ids. `start` (seconds since 1970) is used for dialogues without calls.
    """
    dialogue = material.dialogue
    begun = min(map(_begun, material.calls.values()), default=start)
    record = Telemetry(key, dialogue.id, begun, texts)
    root = record.span_id("conversation")
    for number, turn in enumerate(dialogue.turns):
        call_keys = [call_key for step in material.walk[number] for call_key in step.calls]
        calls = [material.calls[call_key] for call_key in call_keys if call_key in material.calls]
        question_types = material.asked[number]
        facts: dict[str, Value | None] = {
            "turn_index": number,
            "question_types": [kind for kind in question_types if kind != "none"]
            if question_types is not None
            else None,
            "trust": turn.state.trust if turn.state else None,
            "unlocked": turn.state.unlocked if turn.state else None,
        }
        if texts is not None:
            facts["content"] = turn.content
            facts["analysis"] = turn.thought.analysis if turn.thought else None
            facts["strategy"] = turn.thought.strategy if turn.thought else None
        record.agent(turn.role, root, calls, "turn", number, **facts)
    for rating in material.ratings:
        _rated(record, material, rating, root)
    if others := material.others():
        record.agent("other", root, others, "others")
    _conversation(record, material, root)
    return record


def _conversation(record: Telemetry, material: ExportMaterial, root: str) -> None:
    """Add the span above all others, which lasts as long as they do."""
    dialogue, profile = material.dialogue, material.dialogue.profile
    attributes: dict[str, Value | None] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "conversation",
        "cocoon.dialogue": dialogue.id,
        "cocoon.profile": profile.id,
        "cocoon.supporter": dialogue.supporter,
        "cocoon.sample": dialogue.sample,
        "cocoon.language": dialogue.language,
        "cocoon.turns": len(dialogue.turns),
        "cocoon.stage_boundary": dialogue.stage_boundary,
        "cocoon.stop_reason": dialogue.stop_reason,
        "cocoon.user_kind": dialogue.user_kind or None,
        "cocoon.difficulty": dialogue.difficulty or None,
        "cocoon.rules": dialogue.rules or None,
        "cocoon.question_ratio": material.question_ratio,
        "cocoon.probing_ratio": material.probing_ratio,
    }
    if record.texts is not None:
        attributes |= {
            "cocoon.emotion": profile.emotion,
            "cocoon.feeling": profile.feeling,
            "cocoon.need": profile.need,
        }
    start = min((span.start / _NANO for span in record.spans), default=record.start)
    end = max((span.end / _NANO for span in record.spans), default=record.start)
    record.add(root, None, "invoke_agent conversation", INTERNAL, (start, end), attributes)


def _rated(record: Telemetry, material: ExportMaterial, rating: Rating, root: str) -> None:
    calls = [material.calls[key] for key in rating.calls if key in material.calls]
    facts: dict[str, Value | None] = {"scale": rating.scale, "vote": rating.vote}
    record.agent("judge", root, calls, "rating", rating.scale, rating.judge, rating.vote, rating.prompt_sha, **facts)
    time = record.spans[-len(calls) - 1].end / _NANO
    rating_facts: dict[str, Value | None] = {
        "cocoon.scale": rating.scale,
        "cocoon.judge": rating.judge,
        "cocoon.vote": rating.vote,
        "cocoon.prompt_sha": rating.prompt_sha,
    }
    for result in _results(rating, texts=record.texts is not None):
        record.result(root, time, {**result, **rating_facts})


def _results(rating: Rating, *, texts: bool) -> Iterator[dict[str, Value | None]]:
    """Yield one result for a success scale, or one for each dimension of another scale.

    A missing value has a label and no value.
    """
    if rating.verdict is not None or not rating.dimensions:
        success = rating.verdict.success if rating.verdict else None
        label = "missing" if success is None else "success" if success else "no success"
        if rating.not_applicable:
            label = "not applicable"
        yield {
            "gen_ai.evaluation.name": rating.scale,
            "gen_ai.evaluation.score.value": None if success is None else float(success),
            "gen_ai.evaluation.score.label": label,
            "gen_ai.evaluation.explanation": success_words(rating) if texts else None,
            "cocoon.named_by": rating.verdict.named_by if rating.verdict else None,
            "cocoon.how": rating.verdict.how if rating.verdict else None,
            "cocoon.turn_index": rating.verdict.turn if rating.verdict else None,
        }
        return
    reasons = "; ".join(f"{item}: {why}" for item, why in rating.missing.items())
    for name, value in rating.dimensions.items():
        yield {
            "gen_ai.evaluation.name": f"{rating.scale}.{name}",
            "gen_ai.evaluation.score.value": value,
            "gen_ai.evaluation.score.label": "missing" if value is None else "scored",
            "gen_ai.evaluation.explanation": reasons if texts and reasons else None,
        }


def failed(name: str, key: str, reasons: Iterable[str], calls: Sequence[Call], start: float) -> Telemetry:
    """Return the telemetry of a dialogue that failed: its calls, and the reason as one word."""
    record = Telemetry(key, name, min(map(_begun, calls), default=start), None)
    record.agent("conversation", None, calls, "conversation", dialogue=name, error=next(iter(reasons), "error"))
    return record
