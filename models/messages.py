"""Chat messages made to fit what a model's template allows."""

from collections.abc import Sequence

Message = dict[str, str]

USER_STUB = "(…)"


def fit_to_template(messages: Sequence[Message], user_first: bool, *, system_role: bool = True) -> list[Message]:
    """The same talk in a form that the template renders whole; `messages` is left as it is.

    Neighbours of one role become one message. `user_first`: a talk that the assistant opens (or nobody yet)
    gets a neutral user turn before it. `system_role` false: system texts are said by the user. Raises ValueError
    when there is nothing to answer: no message, or the last one is the assistant's own.
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
    place = next((i for i, message in enumerate(messages) if message["role"] != "system"), len(messages))
    if place < len(messages) and messages[place]["role"] == "user":
        return messages
    return [*messages[:place], {"role": "user", "content": USER_STUB}, *messages[place:]]
