"""The words of a turn as a foreign file has them: a text or a list of parts, with private text told from speech."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cocoon.core.outside.private_text import (
    TAGS_OF_SPEECH,
    TEXT_PARTS,
    THOUGHT_FIELDS,
    part_text,
    part_thought,
    split_thoughts,
)
from cocoon.core.records import Role, Thought
from cocoon.core.strategy_tags import split_thought
from cocoon.corpora.reading.foreign_record import a_text

# What every form of private text has in it, so that plain text is not looked through for each of them.
_MAY_BE_PRIVATE = re.compile(r"[<\[◁]|^\s*analysis")
PRIVATE_KEYS = (*THOUGHT_FIELDS, "thinking", "thought", "thoughts", "inner_thought", "inner_monologue")
"""Keys of a message that hold what its speaker thought and did not say."""


@dataclass(frozen=True)
class SpokenText:
    """What was said in a turn. `private` was thought, `thought` is what the supporter's own tags hold.

    `without_words` names the kinds of parts that have no words, such as a picture.
    """

    words: str
    private: str = ""
    thought: Thought | None = None
    without_words: tuple[str, ...] = ()


def spoken_text(role: Role, content: Any, where: str, position: str) -> SpokenText:
    """Return the words of a turn and what was private in it. Raises CocoonError for content that is no text."""
    parts = content if isinstance(content, list) else [content] if isinstance(content, Mapping) else None
    if parts is None:
        return _told_apart(role, a_text(content, where, position))
    words: list[str] = []
    private: list[str] = []
    others: list[str] = []
    for part in parts:
        # A part must at least say what it is: anything else is no list of parts.
        kind = part.get("type") if isinstance(part, Mapping) else None
        if text := part_text(part):
            words.append(a_text(text, where, position))
        elif thought := part_thought(part):
            private.append(a_text(thought, where, position))
        elif isinstance(kind, str) and kind not in TEXT_PARTS:
            others.append(kind[:40])
        elif not isinstance(part, str):
            # Words may be missing in a part of text, and anything else is no part at all.
            a_text(part.get("text") if isinstance(part, Mapping) and kind else part, where, position)
    spoken = _told_apart(role, "\n".join(filter(None, words)))
    return SpokenText(
        spoken.words, "\n\n".join(filter(None, [*private, spoken.private])), spoken.thought, tuple(others)
    )


def _told_apart(role: Role, text: str) -> SpokenText:
    """Return a text without its private parts. Where tags do not match, nobody knows what was said, so nothing is."""
    if not _MAY_BE_PRIVATE.search(text):
        return SpokenText(text)
    private, words, _ = split_thoughts(text, TAGS_OF_SPEECH)
    if role != "supporter":
        return SpokenText(words, private)
    split = split_thought(words)
    if split is None:
        return SpokenText("", "\n\n".join(filter(None, (private, words))))
    return SpokenText(split[1].strip(), private, split[0])
