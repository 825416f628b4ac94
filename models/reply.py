"""The reply contract: what of a model's message others may hear, and what was only thought or wrote itself in.

Servers hand thoughts over in many forms: in a field of their own, in tags, in channels, or with the closing tag alone.
They are told apart here, for remote and local models alike (docs/decisions/replies.md says which rule wins and why).
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

import orjson
from langchain_core.messages import AIMessage

from cocoon.core.outside.private_text import (
    TAGS_OF_ANSWERS,
    TAGS_OF_SPEECH,
    THOUGHT_FIELDS,
    part_field,
    part_text,
    part_thought,
    plain_text,
    split_thoughts,
)
from cocoon.core.records import Role

Finish = Literal["stop", "length", "refused", "filtered", "error"]
_FINISHES: dict[str, Finish] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "tool_calls"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("refusal", "refused"), "refused"),
    **dict.fromkeys(("content_filter", "safety", "recitation", "blocklist", "prohibited_content"), "filtered"),
    **dict.fromkeys(("error", "abort"), "error"),
}


BYTES_PER_TOKEN, LEAST_BYTES = 12, 300
"""A server that counts fewer tokens than one for so many bytes of a prompt has probably not read all of it."""


def seems_cut(bytes_in: int | None, tokens_in: int | None) -> bool:
    """Return whether a server counted far fewer tokens of a prompt than it was sent."""
    if bytes_in is None or tokens_in is None or bytes_in < LEAST_BYTES:
        return False
    return bytes_in > BYTES_PER_TOKEN * tokens_in


def finish_of(told: str | None) -> Finish | None:
    """Return how a reply ended, from a server's own word for it."""
    return _FINISHES.get((told or "").lower())


@dataclass(frozen=True, slots=True)
class RawReply:
    """A message as the server gave it. Token counts are None where they were not reported."""

    text: str
    thought: str = ""
    refusal: str = ""
    finish: str | None = None
    tokens_cached: int | None = None
    tokens_reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A message told apart.

    `speech` is what others may hear, and is empty where a thought never ends (`unended`). `finish` is None where the
    server did not say. `foreign` lists what was cut off: role labels, the other side's lines, template tokens. `limit`
    is the number of tokens that it might have, where known.
    """

    speech: str
    thought: str = ""
    finish: Finish | None = None
    refusal: str = ""
    foreign: tuple[str, ...] = ()
    unended: bool = False
    limit: int | None = None

    @property
    def obstacle(self) -> str | None:
        """Return why the speech is no whole reply, or None. It says nothing of a reply that merely has no words."""
        if self.finish == "refused":
            return f"refused: {' '.join(self.refusal.split())}"
        if self.finish in ("filtered", "error"):
            return f"the server ended the reply ({self.finish})"
        if self.finish == "length":
            where = " inside its thought" if self.unended else "" if self.speech.strip() else " before its first word"
            number = "" if self.limit is None else f" ({self.limit})"
            larger = "max_tokens" if not where else "call_tokens or max_tokens"
            return f"the reply was cut at its token limit{number}{where}; a larger {larger} may help"
        return "the reply's thought never ends" if self.unended else None


def read_message(message: AIMessage, *, speaker: Role | None = None, structured: bool = False) -> ModelReply:
    """Return a chat model's message told apart. `speaker` and `structured` are those of `split_reply`."""
    raw = raw_reply(message)
    return split_reply(
        raw.text,
        thought=raw.thought,
        refusal=raw.refusal,
        finish=raw.finish,
        speaker=speaker,
        structured=structured,
    )


def raw_reply(message: AIMessage) -> RawReply:
    """Return text, thought, refusal, finish and extra token counts of a message, each from where its server puts it."""
    fields, meta, usage = message.additional_kwargs, message.response_metadata or {}, message.usage_metadata or {}
    parts = [{"type": "text", "text": message.content}] if isinstance(message.content, str) else message.content
    # A server may name the same thought twice: in a field and in a part.
    thoughts = [*(plain_text(fields.get(name)) for name in THOUGHT_FIELDS), *map(part_thought, parts)]
    refusals = [plain_text(fields.get("refusal")), *(plain_text(part_field(part, "refusal")) for part in parts)]
    finish = meta.get("finish_reason") or meta.get("stop_reason")
    return RawReply(
        "".join(map(part_text, parts)),
        "\n\n".join(dict.fromkeys(filter(None, thoughts))),
        "\n".join(filter(None, refusals)),
        str(finish) if finish else None,
        (usage.get("input_token_details") or {}).get("cache_read"),
        (usage.get("output_token_details") or {}).get("reasoning"),
    )


def split_reply(
    text: str,
    *,
    thought: str = "",
    refusal: str = "",
    finish: str | None = None,
    speaker: Role | None = None,
    structured: bool = False,
    limit: int | None = None,
) -> ModelReply:
    """Tell a reply apart. A text in which nothing has to be cut is kept to the letter.

    `speaker` is the role that the model plays, so that lines of the other role are known. None leaves labels alone.
    `structured` is for replies whose value is read: `<analysis>` and `<strategy>` are thoughts there, while in speech
    they belong to supporters that were trained on them (`core.strategy_tags`). Nothing is cut out of a JSON object.
    """
    ending: Finish | None = "refused" if refusal.strip() else finish_of(finish)
    if structured and _is_json(text):
        return ModelReply(text, thought, ending, refusal, limit=limit)
    inner, speech, unended = split_thoughts(text, TAGS_OF_ANSWERS if structured else TAGS_OF_SPEECH)
    foreign: list[str] = []
    if not structured:
        speech = _cut_tokens(speech, foreign)
        speech = _cut_lines(speech, speaker, foreign) if speaker else speech
    thought = "\n\n".join(filter(None, [thought.strip(), inner.strip()]))
    return ModelReply(speech, thought, ending, refusal, tuple(foreign), unended, limit)


def _is_json(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


# <|im_end|>, <|eot_id|>, <｜end▁of▁sentence｜>, </s>, [INST], <<SYS>>, <end_of_turn>
_TOKEN = re.compile(
    r"<[|｜][\w▁. ]{1,40}[|｜]>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad)>|<end_of_utterance>"
)
_TOKEN_ROLE = re.compile(r"\s*(?:assistant|user|model|system)\s*(?=\n|<|\Z)")


def _cut_tokens(text: str, foreign: list[str]) -> str:
    """Return the words up to the first template token after them. A message's head before them is cut off too."""
    first = _TOKEN.search(text)
    if first is None:
        return text
    while first is not None and not text[: first.start()].strip():
        role = _TOKEN_ROLE.match(text, first.end())
        end = role.end() if role else first.end()
        foreign.append(text[:end].strip())
        text = text[end:]
        first = _TOKEN.search(text)
    if first is not None:
        foreign.append(text[first.start() :].strip())
        text = text[: first.start()]
    return text.strip()


_ROLE_WORDS: dict[Role, str] = {
    "user": "user|human|seeker|help[- ]?seeker|用户|来访者|求助者",
    "supporter": "supporter|assistant|counsell?or|支持者|咨询师|助手",
}
_LABEL = re.compile(
    r"^[ \t]*(?:\[\d+\][ \t]*)?[*_#\[【]{0,4}[ \t]*(?i:"
    + "|".join(f"(?P<{role}>{_ROLE_WORDS[role]})" for role in get_args(Role))
    + r")[ \t]*[*_\]】]{0,4}[:：][*_]{0,3}[ \t]*",
    re.MULTILINE,
)


def _cut_lines(text: str, speaker: Role, foreign: list[str]) -> str:
    """Return the words of one turn: a line that begins with a role's label begins another turn.

    Where the other role comes first, the speaker's own words are those behind its own label. Where nothing but the
    other role's label is there, the words are kept, since the label may be the mistake.
    """
    labels = list(_LABEL.finditer(text))
    if not labels:
        return text
    starts = [(0, 0, speaker)] if text[: labels[0].start()].strip() else []
    starts += [(label.start(), label.end(), "user" if label["user"] else "supporter") for label in labels]
    ends = [start for start, _, _ in starts[1:]] + [len(text)]
    turns = [
        (role, text[start:begin], text[begin:end].strip())
        for (start, begin, role), end in zip(starts, ends, strict=True)
    ]
    spoken = next((number for number, (role, _, words) in enumerate(turns) if role == speaker and words), None)
    spoken = next((number for number, (_, _, words) in enumerate(turns) if words), 0) if spoken is None else spoken
    for number, (_, label, words) in enumerate(turns):
        cut = label if number == spoken else label + words
        foreign += [cut.strip()] if cut.strip() else []
    return turns[spoken][2]
