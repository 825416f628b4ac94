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
    """The words with their thought before them, as a supporter is trained on them and keeps them in its history."""
    if thought is None:
        return content
    analysis = f"<analysis>{_untagged(thought.analysis)}</analysis>\n" if thought.analysis else ""
    strategy = f"<strategy>{_untagged(thought.strategy)}</strategy>\n" if thought.strategy else ""
    return f"{analysis}{strategy}{content}"


def split_thought(text: str) -> tuple[Thought | None, str] | None:
    """The thought at the beginning of a reply (none where it has none) and the words that are spoken.

    None where tags stand elsewhere or are not closed: what the user may see of such a reply cannot be told.
    """
    found = _TAGS.match(text)
    end = found.end() if found else 0
    spoken = text[end:]
    if _ANY_TAG.search(spoken):
        return None
    if found is None or (found["analysis"] is None and found["strategy"] is None):
        return None, text
    return Thought(analysis=(found["analysis"] or "").strip(), strategy=(found["strategy"] or "").strip()), spoken


def _untagged(text: str) -> str:
    """A thought that holds no tag, so that it ends where it ends."""
    return _ANY_TAG.sub(" ", text)
