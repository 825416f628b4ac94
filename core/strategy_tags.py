"""Thoughts of a supporter inside its own text: analysis and strategy in plain tags before the words spoken.

Plain tags, since no template of a Llama-3 model has a place for thoughts. The user never sees them.
"""

import re

from cocoon.core.records import Thought

_TAGS = re.compile(
    r"\s*(?:<analysis>(?P<analysis>.*?)</analysis>\s*)?(?:<strategy>(?P<strategy>.*?)</strategy>\s*)?", re.DOTALL
)
_ANY_TAG = re.compile(r"</?(?:analysis|strategy)>")


def with_thought(content: str, thought: Thought | None) -> str:
    """Return the words with their thought before them, as a supporter learns them and keeps them in its history."""
    if thought is None:
        return content
    analysis = f"<analysis>{_untagged(thought.analysis)}</analysis>\n" if thought.analysis else ""
    strategy = f"<strategy>{_untagged(thought.strategy)}</strategy>\n" if thought.strategy else ""
    return f"{analysis}{strategy}{content}"


def split_thought(text: str) -> tuple[Thought | None, str] | None:
    """Return the thought at the beginning of a reply (None without one) and the words that are spoken.

    The result is None where tags are elsewhere or not closed, because nobody can tell what the user may see of such a
    reply.
    """
    tags = _TAGS.match(text)
    end = tags.end() if tags else 0
    spoken = text[end:]
    if _ANY_TAG.search(spoken):
        return None
    if tags is None or (tags["analysis"] is None and tags["strategy"] is None):
        return None, text
    return Thought(analysis=(tags["analysis"] or "").strip(), strategy=(tags["strategy"] or "").strip()), spoken


def _untagged(text: str) -> str:
    """Return a thought that holds no tag, so that it ends where it ends."""
    return _ANY_TAG.sub(" ", text)
