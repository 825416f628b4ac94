"""Chat messages made to fit what a model's template allows."""

from collections.abc import Sequence

Message = dict[str, str]

USER_STUB = "(…)"


def fit_to_template(
    messages: Sequence[Message], user_first: bool, *, system_role: bool = True
) -> list[Message]:
    """The same talk in a form that the template renders whole; `messages` is left as it is.

    Neighbours of one role become one message. `user_first`: a talk that the assistant opens (or nobody yet) gets
    a neutral user turn before it. `system_role` false: system texts are said by the user. Raises ValueError when
    there is nothing to answer, that is no message, or the last one is the assistant's own.
    """
    if not messages or messages[-1]["role"] == "assistant":
        raise ValueError("the last message must not be the assistant's: there is nothing to answer")
    fitted = [dict(message) for message in messages]
    if not system_role:
        fitted = [{**message, "role": "user"} if message["role"] == "system" else message for message in fitted]
    fitted = _join_neighbours(fitted)
    return _with_user_first(fitted) if user_first else fitted


def _join_neighbours(messages: Sequence[Message]) -> list[Message]:
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1]["content"] += "\n\n" + message["content"]
        else:
            joined.append(message)
    return joined


def _with_user_first(messages: list[Message]) -> list[Message]:
    place = next((i for i, message in enumerate(messages) if message["role"] != "system"), len(messages))
    if place < len(messages) and messages[place]["role"] == "user":
        return messages
    return [*messages[:place], {"role": "user", "content": USER_STUB}, *messages[place:]]
