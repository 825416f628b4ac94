"""Which dialogue the request under way belongs to, for a model that keeps a dialogue with one server."""

from contextvars import ContextVar

_DIALOGUE: ContextVar[str] = ContextVar("dialogue", default="")


def enter_dialogue(dialogue: str) -> None:
    """Say to which dialogue the requests of this task belong."""
    _DIALOGUE.set(dialogue)


def dialogue_under_way() -> str:
    """Return the dialogue of this task's requests. It is empty where nobody has said."""
    return _DIALOGUE.get()
