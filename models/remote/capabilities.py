"""What a server does not accept, learnt from its refusals as words that a manifest keeps.

`seed`, `temperature`, `stream`, `stream_options`: left out. `limit`: the limit of a reply has its other name.
`user_first`, `no_system`: messages are fitted to the server's chat template. `thinks`: thoughts used up the limit of a
reply, so that a call gets a larger one.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

LIMIT_NAMES = ("max_tokens", "max_completion_tokens")

# Examples of how servers say it: "Conversation roles must alternate user/assistant", "First message must be from user",
# "System role not supported".
_USER_FIRST = re.compile(r"alternat|first.{0,40}user|user.{0,40}first|(start|begin).{0,40}user")
_NO_SYSTEM = re.compile(
    r"system.{0,40}(not|n't|no longer) (be )?(supported|allowed|permitted)|(not|n't) support.{0,20}system"
)
_STREAM = re.compile(r"\bstream(ing|_options)?\b")
_REFUSES = re.compile(
    r"unsupported|(not|n't|no longer) (be )?(support|allow|permit|accept)|only .{0,40}(support|allow|default)"
    r"|unrecogni[sz]ed|unknown|unexpected|deprecated|extra (inputs|fields)|invalid"
)
# Some servers take a temperature, and not this one. What the user asked for is not thrown away then.
_OUT_OF_RANGE = re.compile(
    r"temperature.{0,80}?(positive|greater|less than|between|range|exceed|at (most|least)|maximum|minimum|[<>≤≥])"
)


def lesson(status: int, words: str, payload: Mapping[str, Any], known: Collection[str]) -> str | None:
    """Return a new fact about a server that its refusal of a request shows, or None.

    `words` are those of the refusal and `known` the facts that the request was already adapted to. A proxy may pass on
    a refusal as a failure of its own (5xx), so these are read too where they say that something is not supported.
    """
    refusal = words.lower()
    if status not in (400, 422) and not (status >= 500 and _REFUSES.search(refusal)):
        return None
    if "temperature" in refusal and "temperature" in payload and not _OUT_OF_RANGE.search(refusal):
        return "temperature"
    if "seed" in refusal and "seed" in payload:
        return "seed"
    if any(name in refusal and name in payload for name in LIMIT_NAMES) and "limit" not in known:
        return "limit"
    if stream := _STREAM.search(refusal):
        name = "stream_options" if "options" in stream[0] and "stream_options" in payload else "stream"
        return name if payload.get(name) else None
    return None if status >= 500 else _lesson_about_roles(refusal, payload, known)


def _lesson_about_roles(refusal: str, payload: Mapping[str, Any], known: Collection[str]) -> str | None:
    roles = [message["role"] for message in payload["messages"]]
    if _NO_SYSTEM.search(refusal) and "system" in roles and "no_system" not in known:
        return "no_system"
    first_roles = [role for role in roles if role != "system"][:1]
    if _USER_FIRST.search(refusal) and first_roles == ["assistant"] and "user_first" not in known:
        return "user_first"
    return None
