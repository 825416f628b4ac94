"""Read talks from logs: samples of Inspect, simulations of tau2, traces and generations of Langfuse.

Calls of tools and their results are part of such logs and are no speech. They are left out and counted.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from cocoon.corpora.loaders.messages.conversation import CONTENT_KEYS, TURN_LISTS, say_messages
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord, objects
from cocoon.corpora.reading.foreign_values import inner_values, text_of_json
from cocoon.corpora.reading.layout import Layout

INSPECT = Corpus("inspect", "samples of an Inspect log (.eval or .json)", "Inspect log", "not stated", "none")
TAU2 = Corpus("tau2", "simulations of tau2-bench", "tau2 log", "not stated", "none")
LANGFUSE = Corpus("langfuse", "traces, sessions or generations of Langfuse", "Langfuse log", "not stated", "none")
_TOOLS = ("tool", "function")
_OUTPUTS = ("output", "content", "completion", "text")


def read_inspect(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the talk of a sample. Samples of several epochs have the same id, so that the epoch is a part of it."""
    draft.number_by(f"{record.get('id')}-{record.get('epoch') or 1}")
    _say(draft, record.objects("messages", "message"))
    yield draft.read()


def read_tau2(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the talk of a simulation, with its task and reward as facts."""
    _say(draft, record.objects("messages", "message"))
    for key in ("task_id", "trial", "termination_reason"):
        value = record.get(key)
        draft.facts[key] = value if isinstance(value, (str, int)) else None
    reward = record.get("reward_info")
    if isinstance(reward, dict) and isinstance(reward.get("reward"), (int, float)):
        draft.facts["reward"] = reward["reward"]
    yield draft.read()


def read_langfuse(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the talk of a trace: the messages of its input, and its output as the last reply."""
    for key in ("sessionId", "name"):
        value = record.get(key)
        draft.facts[key] = value if isinstance(value, str) else None
    for key, role in (("input", "user"), ("output", "assistant")):
        _say(draft, objects(_messages(record, key, role), record.where, f"{key} message"))
    yield draft.read()


def _say(draft: Draft, messages: Iterator[ForeignRecord]) -> None:
    spoken: list[ForeignRecord] = []
    for message in messages:
        content = next((message.get(key) for key in CONTENT_KEYS if key in message.fields), None)
        if message.get("role") in _TOOLS:
            draft.note(message.position, "dropped", "the result of a tool is no speech")
        elif content in (None, "", []) and message.get("tool_calls"):
            draft.note(message.position, "dropped", "a call of a tool is no speech")
        else:
            spoken.append(message)
    say_messages(draft, spoken)


def _messages(record: ForeignRecord, key: str, role: str) -> list[Any]:
    """Return input or output of a trace as messages. Exported tables have them as JSON text."""
    value = record.get(key)
    value = text_of_json(value) if isinstance(value, str) else value
    if isinstance(value, dict):
        inner = next((value[name] for name in (*TURN_LISTS, *_OUTPUTS) if name in value), value)
        value = [value] if "role" in value else inner
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, dict) and "role" in item for item in value):
        return value
    return [{"role": role, "content": value}]


def _traces(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the traces of a file: a list, lines, a session with its traces, or a page of the API with its data."""
    for where, value in inner_values(path, ("traces", "data"), "trace"):
        trace = value.get("trace") if isinstance(value, dict) else None
        yield where, trace if isinstance(trace, dict) else value


def _is_inspect(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("messages"), list) and "epoch" in record and "target" in record


def _is_tau2(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("messages"), list) and "task_id" in record


def _is_langfuse(record: Mapping[str, Any]) -> bool:
    named = any(key in record for key in ("traceId", "sessionId", "projectId"))
    return named and "input" in record and "output" in record


INSPECT_LAYOUT = Layout(INSPECT, read_inspect, _is_inspect, partial(inner_values, keys=("samples",), noun="sample"))
TAU2_LAYOUT = Layout(TAU2, read_tau2, _is_tau2, partial(inner_values, keys=("simulations",), noun="simulation"))
LANGFUSE_LAYOUT = Layout(LANGFUSE, read_langfuse, _is_langfuse, _traces)
