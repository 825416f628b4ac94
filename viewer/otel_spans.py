"""A dialogue as OpenTelemetry spans by the GenAI conventions (`gen_ai.*`), with our own facts as `cocoon.*`.

A trace is a dialogue: `invoke_agent conversation` above `invoke_agent supporter` or `user` for each turn, above
`chat` for each call; beside them `invoke_agent judge`. Ratings are `gen_ai.evaluation.result` events. Text (prompts,
replies, explanations, profiles) is left out unless it is asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from cocoon.core.journal_reader import Call
from cocoon.core.records import Rating
from cocoon.viewer.export_material import Material, role_of, success_words
from cocoon.viewer.otel_records import CLIENT, INTERNAL, EventRecord, SpanRecord, Value, identity

_NANO = 1_000_000_000
EVALUATION = "gen_ai.evaluation.result"
_PROVIDERS = {"local": "cocoon.local", "scripted": "cocoon.scripted"}


@dataclass
class Telemetry:
    """The spans and events of one dialogue; `texts` of the calls by hash, none where text is left out."""

    key: str
    conversation: str
    start: float
    texts: Mapping[str, str] | None
    spans: list[SpanRecord] = field(default_factory=list)
    events: list[EventRecord] = field(default_factory=list)

    @property
    def trace(self) -> str:
        """Id of the trace."""
        return identity(32, self.key)

    def span_id(self, *parts: object) -> str:
        """Id of a span."""
        return identity(16, self.key, *parts)

    def agent(self, name: str, parent: str | None, calls: Sequence[Call], *parts: object, **facts: Value | None) -> str:
        """A span of an agent's work around its calls, which are added below it; its id."""
        own = self.span_id(*parts)
        begun = min((_begun(call) for call in calls), default=self._latest(parent))
        ended = max((call.entry.answered_at for call in calls), default=begun)
        told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
        self.add(own, parent, f"invoke_agent {name}", INTERNAL, (begun, ended), {**told, **_dotted(facts)})
        for call in calls:
            self._chat(call, own)
        return own

    def _latest(self, parent: str | None) -> float:
        """When a turn without a call was said: when what came before it had ended."""
        ends = [span.end / _NANO for span in self.spans if span.parent == parent and parent]
        return max(ends, default=self.start)

    def _chat(self, call: Call, parent: str) -> None:
        entry = call.entry
        told: dict[str, Value | None] = {
            "gen_ai.operation.name": "chat",
            **served_by(entry.model),
            "gen_ai.usage.input_tokens": entry.tokens_in,
            "gen_ai.usage.output_tokens": entry.tokens_out,
            "gen_ai.response.finish_reasons": [entry.finish] if entry.finish else None,
            "gen_ai.output.type": "json" if entry.rung else "text",
            "cocoon.call": entry.place.key,
            "cocoon.role": role_of(entry.place),
            "cocoon.rung": entry.rung,
            "cocoon.retries": entry.retries,
        }
        if self.texts is not None:
            asked = [_message(role, self.texts.get(sha, "")) for role, sha in call.request]
            told["gen_ai.input.messages"] = orjson.dumps(asked).decode()
            answer = _message("assistant", entry.text) | {"finish_reason": entry.finish or "unknown"}
            told["gen_ai.output.messages"] = orjson.dumps([answer]).decode()
        name = f"chat {told['gen_ai.request.model']}"
        kind = INTERNAL if told["gen_ai.provider.name"] in _PROVIDERS.values() else CLIENT
        self.add(self.span_id(entry.place.key), parent, name, kind, (_begun(call), entry.answered_at), told)

    def add(
        self,
        own: str,
        parent: str | None,
        name: str,
        kind: int,
        times: tuple[float, float],
        told: Mapping[str, Value | None],
    ) -> None:
        """A span from `times` (seconds since 1970) with the attributes that have a value."""
        known = {key: value for key, value in told.items() if value is not None}
        known["gen_ai.conversation.id"] = self.conversation
        start, end = map(_nanoseconds, times)
        failed = "error.type" in known
        self.spans.append(SpanRecord(self.trace, own, parent, name, kind, start, max(start, end), known, failed))

    def result(self, parent: str, time: float, told: Mapping[str, Value | None]) -> None:
        """An evaluation result of the span `parent`."""
        known = {key: value for key, value in told.items() if value is not None}
        known["gen_ai.conversation.id"] = self.conversation
        self.events.append(EventRecord(self.trace, parent, EVALUATION, _nanoseconds(time), known))


def _nanoseconds(time: float) -> int:
    """A time of ours is exact to the microsecond."""
    return round(time * 1_000_000) * 1_000


def _begun(call: Call) -> float:
    return call.entry.answered_at - call.entry.latency


def _dotted(facts: Mapping[str, Value | None]) -> dict[str, Value | None]:
    """Keyword names as attribute names: `turn_index` is `cocoon.turn_index`."""
    return {"error.type" if name == "error" else f"cocoon.{name}": value for name, value in facts.items()}


def _message(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def served_by(label: str) -> dict[str, Value | None]:
    """Provider, model and server of a model's label; a server that speaks OpenAI's protocol is of that flavour."""
    address, _, model = label.partition("#")
    if "://" in address:
        url = urlsplit(address)
        place = {"server.address": url.hostname, "server.port": url.port}
        return {"gen_ai.provider.name": "openai", "gen_ai.request.model": model or address, **place}
    kind, _, name = label.partition(":")
    return {"gen_ai.provider.name": _PROVIDERS.get(kind, kind or "unknown"), "gen_ai.request.model": name or label}


def telemetry(material: Material, key: str, start: float, texts: Mapping[str, str] | None) -> Telemetry:
    """All of one dialogue. `key` decides the ids; `start` (seconds since 1970) is for dialogues without calls."""
    dialogue = material.dialogue
    begun = min(map(_begun, material.calls.values()), default=start)
    made = Telemetry(key, dialogue.id, begun, texts)
    root = made.span_id("conversation")
    for number, turn in enumerate(dialogue.turns):
        calls = [material.calls[one] for step in material.walk[number] for one in step.calls if one in material.calls]
        asked = material.asked[number]
        facts: dict[str, Value | None] = {
            "turn_index": number,
            "question_types": [one for one in asked if one != "none"] if asked is not None else None,
            "trust": turn.state.trust if turn.state else None,
            "unlocked": turn.state.unlocked if turn.state else None,
        }
        if texts is not None:
            facts["content"] = turn.content
            facts["analysis"] = turn.thought.analysis if turn.thought else None
            facts["strategy"] = turn.thought.strategy if turn.thought else None
        made.agent(turn.role, root, calls, "turn", number, **facts)
    for rating in material.ratings:
        _rated(made, material, rating, root)
    if others := material.others():
        made.agent("other", root, others, "others")
    _conversation(made, material, root)
    return made


def _conversation(made: Telemetry, material: Material, root: str) -> None:
    """The span above all: as long as what is in it."""
    dialogue, profile = material.dialogue, material.dialogue.profile
    told: dict[str, Value | None] = {
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
    }
    if made.texts is not None:
        told |= {"cocoon.emotion": profile.emotion, "cocoon.feeling": profile.feeling, "cocoon.need": profile.need}
    start = min((span.start / _NANO for span in made.spans), default=made.start)
    end = max((span.end / _NANO for span in made.spans), default=made.start)
    made.add(root, None, "invoke_agent conversation", INTERNAL, (start, end), told)


def _rated(made: Telemetry, material: Material, rating: Rating, root: str) -> None:
    calls = [material.calls[key] for key in rating.calls if key in material.calls]
    facts: dict[str, Value | None] = {"scale": rating.scale, "vote": rating.vote}
    made.agent("judge", root, calls, "rating", rating.scale, rating.judge, rating.vote, rating.prompt_sha, **facts)
    time = made.spans[-len(calls) - 1].end / _NANO
    about: dict[str, Value | None] = {
        "cocoon.scale": rating.scale,
        "cocoon.judge": rating.judge,
        "cocoon.vote": rating.vote,
        "cocoon.prompt_sha": rating.prompt_sha,
    }
    for told in _results(rating, texts=made.texts is not None):
        made.result(root, time, {**told, **about})


def _results(rating: Rating, *, texts: bool) -> Iterator[dict[str, Value | None]]:
    """One result for a success, one for each dimension of a scale; what is missing has a label and no value."""
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
    """A dialogue that could not be made: its calls, and the reason as one word."""
    made = Telemetry(key, name, min(map(_begun, calls), default=start), None)
    made.agent("conversation", None, calls, "conversation", dialogue=name, error=next(iter(reasons), "error"))
    return made
