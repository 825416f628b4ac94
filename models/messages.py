"""Chat messages made to fit what a model's template allows."""

from collections.abc import Sequence
from typing import TypeGuard

Message = dict[str, str]
ROLES = frozenset({"system", "user", "assistant"})
_KEYS = {"role", "content"}

USER_STUB = "(…)"


def is_plain(messages: object) -> TypeGuard[list[Message]]:
    """Return whether messages are as they stand in a request: each a role and its words."""
    return isinstance(messages, list) and all(
        type(each) is dict and each.keys() == _KEYS and each["role"] in ROLES and isinstance(each["content"], str)
        for each in messages
    )


def fit_to_template(messages: Sequence[Message], user_first: bool, *, system_role: bool = True) -> list[Message]:
    """Return the same talk in a form that the template renders completely. `messages` does not change.

    Neighbours of one role become one message. With `user_first`, a talk that the assistant opens (or nobody yet) gets a
    neutral user turn before it. Without `system_role`, the user says the system texts. Raises ValueError when there is
    nothing to answer: no message, or a last message of the assistant.
    """
    if not messages or messages[-1]["role"] == "assistant":
        raise ValueError("the last message must not be the assistant's: there is nothing to answer")
    fitted = _join_neighbours(messages, {} if system_role else {"system": "user"})
    return _with_user_first(fitted) if user_first else fitted


def _join_neighbours(messages: Sequence[Message], renamed: dict[str, str]) -> list[Message]:
    joined: list[Message] = []
    for message in messages:
        role = renamed.get(message["role"], message["role"])
        if joined and joined[-1]["role"] == role:
            joined[-1]["content"] += "\n\n" + message["content"]
        else:
            joined.append({"role": role, "content": message["content"]})
    return joined


def _with_user_first(messages: list[Message]) -> list[Message]:
    first = next((i for i, message in enumerate(messages) if message["role"] != "system"), len(messages))
    if first < len(messages) and messages[first]["role"] == "user":
        return messages
    return [*messages[:first], {"role": "user", "content": USER_STUB}, *messages[first:]]
