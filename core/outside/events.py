"""An event of a trace (docs/reference/trace.md), checked where it is read: nothing after that meets a wrong kind."""

from typing import Any

from cocoon.core.errors import CocoonError

Event = dict[str, Any]
EVENTS = ("start", "call", "node", "end")
_TEXTS = ("dialogue", "graph", "event")
_TEXTS_OR_NONE = ("node", "task", "call")


def checked_event(value: Any, where: str) -> Event:
    """Return the event. Raises CocoonError that begins with `where` for what is none."""
    if not isinstance(value, dict):
        raise CocoonError(f"{where}: is no event; remove that line")
    wrong = [name for name in _TEXTS if not isinstance(value.get(name), str)]
    wrong += [name for name in _TEXTS_OR_NONE if not isinstance(value.get(name), str | None)]
    wrong += [] if isinstance(value.get("step"), int) else ["step"]
    wrong += [] if value.get("event") in EVENTS else ["event"]
    if value.get("event") in ("call", "node"):
        wrong += [] if isinstance(value.get("node"), str) else ["node"]
    if value.get("event") == "call" and not isinstance(value.get("call"), str):
        wrong.append("call")
    if not isinstance(value.get("updated") or [], list):
        wrong.append("updated")
    if wrong:
        raise CocoonError(f"{where}: is no event ({wrong[0]!r} is missing or of a wrong kind); remove that line")
    return value
