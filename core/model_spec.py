"""Model specs stand in every record, so no key may be part of one."""

import re

from cocoon.core.errors import CocoonError

_USER_INFO = re.compile(r"(?<=://)[^/@\s'\"#?]+(?=@)")
_KEY_IN_QUERY = re.compile(r"(?<=[?&])((?:[\w-]*(?:key|token|secret|password))=)[^&#\s'\"]+", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """The text with passwords and keys in addresses replaced by ***."""
    return _KEY_IN_QUERY.sub(r"\1***", _USER_INFO.sub("***", text))


def refuse_secrets(spec: str, where: str = "model") -> None:
    """Raise CocoonError, in words that do not repeat it, for a spec whose address holds a password or a key."""
    if without_secrets(spec) != spec:
        raise CocoonError(
            f"{where}: {without_secrets(spec)!r} holds a password or key, which would stand in every record; "
            "leave it out and set OPENAI_API_KEY in the environment"
        )
