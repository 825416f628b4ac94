"""Private text inside what was written: thoughts in tags, in channels or in parts of a message, told from speech.

Models and corpora have it in the same forms, so that both rooms take it apart here (docs/decisions/replies.md says
which rule wins and why).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TEXT_PARTS = ("text", "input_text", "output_text", None)
"""Types of the parts of a message that hold words. A part may also have no type."""
THOUGHT_FIELDS = ("reasoning_content", "reasoning")
"""What servers call the field beside `content` that holds the thought."""


def part_field(part: object, name: str) -> object:
    """Return the value under a key of a part, or None for a part that is no object."""
    return part.get(name) if isinstance(part, Mapping) else None


def part_text(part: object) -> str:
    """Return the words of one part of a message, empty for a part of another kind (a thought, a picture, a call)."""
    if isinstance(part, str):
        return part
    return plain_text(part_field(part, "text")) if part_field(part, "type") in TEXT_PARTS else ""


def part_thought(part: object) -> str:
    """Return the thought in one part of a message, empty for a part of another kind."""
    if part_field(part, "type") not in ("thinking", "reasoning", "reasoning_content"):
        return ""
    names = ("thinking", "reasoning", "reasoning_content", "summary", "content", "text")
    return next((text for name in names if (text := plain_text(part_field(part, name)))), "")


def plain_text(value: object) -> str:
    """Return the text in a string, in a part or in a list of parts, empty where there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return plain_text(value.get("text", value.get("value")))
    if isinstance(value, Sequence):
        return "".join(map(plain_text, value))
    return ""


_NAMES = "think|thinking|thoughts?|reason|reasoning|reflection|reflect|scratchpad|inner_?monologue|seed:think"


def _tags(names: str) -> re.Pattern[str]:
    """Return what finds one tag. `end` is there for a closing one, and the other named group has the tag's name."""
    return re.compile(
        rf"<(?P<end>/)?\s*(?P<tag>(?i:{names}))(?:\s[^<>]*)?>"
        r"|\[(?P<end2>/)?(?P<bracket>THINK)\]"
        r"|◁(?P<end3>/)?(?P<arrow>think)▷"
        r"|<\|(?:begin|(?P<end4>end))_of_(?P<token>thought)\|>"
        r"|<\|(?:START|(?P<end5>END))_(?P<token2>THINKING)\|>"
    )


TAGS_OF_SPEECH = _tags(_NAMES)
TAGS_OF_ANSWERS = _tags(f"{_NAMES}|analysis|strategy")


def split_thoughts(text: str, tags: re.Pattern[str]) -> tuple[str, str, bool]:
    """Return thought, speech, and whether a thought is opened that never ends."""
    thoughts, words, unended = list[str](), [text], False
    if "<|channel|>" in text:
        thoughts, words, unended = _by_channels(text)
    elif _BARE_CHANNELS.match(text):
        thoughts, words, unended = _by_bare_channels(text)
    # The words of a channel may have tags of their own.
    if not unended and tags.search("".join(words)):
        inner, words, unended = _Tagged(tags).split("".join(words))
        thoughts = [*thoughts, *inner]
    elif words == [text]:
        return "", text, False
    return "\n\n".join(map(str.strip, thoughts)), "" if unended else "".join(words).strip(), unended


@dataclass(frozen=True, slots=True)
class _Tagged:
    """Thoughts in tags of one pattern."""

    tags: re.Pattern[str]

    def split(self, text: str) -> tuple[list[str], list[str], bool]:
        thoughts, words, opened, end = list[str](), list[str](), "", 0
        for tag in self.tags.finditer(text):
            # The one group that is left names the tag: `_end` groups hold a slash or the word of a token.
            name = next(group for key in _TAG_KEYS if (group := tag[key])).lower()
            closes = any(tag[key] for key in _END_KEYS)
            if opened and not (closes and name == opened):
                continue
            before, end = text[end : tag.start()], tag.end()
            if opened:
                thoughts, opened = [*thoughts, before], ""
            elif closes:
                # Its opening tag stood in the prompt, so whatever came before it was thought.
                thoughts, words = [*thoughts, "".join([*words, before])], []
            else:
                words, opened = [*words, before], name
        rest = text[end:]
        return ([*thoughts, rest], words, True) if opened else (thoughts, [*words, rest], False)


_TAG_KEYS = ("tag", "bracket", "arrow", "token", "token2")
_END_KEYS = ("end", "end2", "end3", "end4", "end5")
_CHANNEL = re.compile(
    r"<\|channel\|>\s*(?P<name>\w+).*?<\|message\|>(?P<words>.*?)(?=<\|(?:end|return|call|start|channel)\|>|\Z)",
    re.DOTALL,
)
# What remains of channels where a server drops special tokens: "analysisThe user ... assistantfinalI hear you."
_BARE_CHANNELS = re.compile(r"\s*analysis(?=[A-Z\"“])")


def _by_channels(text: str) -> tuple[list[str], list[str], bool]:
    messages = [(match["name"], match["words"]) for match in _CHANNEL.finditer(text)]
    words = [text for name, text in messages if name == "final"]
    return [text for name, text in messages if name != "final"], words[-1:], not words


def _by_bare_channels(text: str) -> tuple[list[str], list[str], bool]:
    thought, final, words = text.strip().removeprefix("analysis").rpartition("assistantfinal")
    return ([thought], [words], False) if final else ([words], [], True)
