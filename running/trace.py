"""The trace file: one line for each event of LangGraph's own streams, schema 1 (docs/reference/trace.md).

Events are written as they happen. After a kill, resuming writes the events of unfinished dialogues once more. Equal
events are known by their identity, readers take the last, and the end of a run leaves each once, in order.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.jsonl import Appender, parse_line, write_whole
from cocoon.core.outside.events import EVENTS, Event, checked_event

SCHEMA_VERSION = 1
# What two writings of the same event agree in; all else (times, latency) is what happened then.
IDENTITY = ("dialogue", "graph", "step", "event", "node", "task", "call")


class Trace:
    """Appends events to `trace.jsonl`, those of a node in one write, so that a kill tears at most the last line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = Appender(path)

    def write(self, *events: Event) -> None:
        """Append events."""
        self._file.write(b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def event_identity(event: Event) -> tuple[Any, ...]:
    """Return what tells an event from all others of its run."""
    return tuple(map(event.get, IDENTITY))


def settle_trace(path: Path, dialogues: list[str]) -> int:
    """Rewrite the trace with each event once, by dialogue in the given order (others after) and by step within it.

    Returns how many calls have events with different answers: the journal had lost the first one, and the call was
    paid for again. Of these events the last one stays.
    """
    offsets = _offsets_by_dialogue(path)
    order = [name for name in dialogues if name in offsets]
    order += sorted(offsets.keys() - set(order))
    again: set[tuple[Any, ...]] = set()
    with path.open("rb") as source:
        write_whole(path, (line for name in order for line in _settled(source, offsets[name], again)))
    return len(again)


def _offsets_by_dialogue(path: Path) -> dict[str, "array[int]"]:
    offsets: dict[str, array[int]] = {}
    position = 0
    with path.open("rb") as source:
        for number, line in enumerate(source, 1):
            if line.strip():
                event = checked_event(parse_line(path, number, line), f"{path}, line {number}")
                offsets.setdefault(event["dialogue"], array("q")).append(position)
            position += len(line)
    return offsets


def _settled(source: Any, offsets: "array[int]", again: set[tuple[Any, ...]]) -> Iterator[bytes]:
    events: dict[tuple[Any, ...], Event] = {}
    for offset in offsets:
        source.seek(offset)
        event: Event = parse_line(Path(source.name), 1, source.readline())
        identity = event_identity(event)
        before = events.get(identity, event)
        if before["event"] == "call" and before.get("answered_at") != event.get("answered_at"):
            again.add(identity)
        events[identity] = event
    for event in sorted(events.values(), key=_place):
        yield orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def _place(event: Event) -> tuple[Any, ...]:
    later = 0 if str(event["graph"]).startswith("conversation") else 1
    last = event["event"] == "end"
    return (
        later,
        last,
        event["step"],
        event.get("node") or "",
        EVENTS.index(event["event"]),
        event.get("task") or "",
        event.get("call") or "",
    )
