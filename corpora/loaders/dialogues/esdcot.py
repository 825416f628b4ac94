"""Read ESD-CoT (ESCoT): one supporter turn with its history and a chain of thought, as a dialogue or an instruction."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout

CORPUS = Corpus(
    "esdcot",
    "ESD-CoT (ESCoT), support with chain of thought, en",
    "ESD-CoT",
    "none (ESCoT ships no licence)",
    "none",
    also=("escot",),
)
ROLES: dict[str, Role] = {"seeker": "user", "supporter": "supporter"}
_THOUGHTS = ("emotion", "emotion_stimuli", "individual_appraisal", "strategy_reason")
_LINE = re.compile(r"(?P<role>seeker|supporter)\s*[:：]\s*(?P<content>.*)", re.IGNORECASE | re.DOTALL)
_HEADS = re.compile(
    r"^(Emotion Stimul(?:us|i)|Emotion|Individual Appraisal|Recognized Strategy|Strategy Reason|Strategy|Response)"
    r"\s*[:：]\s*",
    re.MULTILINE | re.IGNORECASE,
)


def read_esdcot(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record, which ends with the turn that has the chain of thought."""
    if "input" in record.fields and "output" in record.fields:
        draft.number_by(record.fields.get("dialog_id", record.get("id")))
        yield _instruction(record, draft)
    else:
        yield _dialogue(record, draft)


def _shows_esdcot(record: Mapping[str, Any]) -> bool:
    return "original_data" in record or ("Response:" in str(record.get("output")) and "input" in record)


LAYOUT = Layout(CORPUS, read_esdcot, _shows_esdcot)


def _dialogue(record: ForeignRecord, draft: Draft) -> ReadDialogue:
    data = record.object("original_data")
    cot_data = record.get("cot_data")
    steps = ForeignRecord(cot_data if isinstance(cot_data, dict) else {}, record.where)
    draft.say_all(data.objects("dialog"), "speaker", "content", ROLES)
    strategy = steps.text("recognized_strategy") or data.text("strategy")
    analysis = " ".join(text for key in _THOUGHTS if (text := steps.text(key)))
    draft.say("supporter", data.get("response"), "key 'response'", thought_of(analysis, strategy))
    return draft.read(language="en", emotion=data.text("emotion_type"), feeling=data.text("situation"))


def _instruction(record: ForeignRecord, draft: Draft) -> ReadDialogue:
    blocks = re.split(r"\n(?=(?:seeker|supporter)\s*[:：])", record.text("input"), flags=re.IGNORECASE)
    for position, block in enumerate(filter(str.strip, blocks), 1):
        match = _LINE.fullmatch(block.strip())
        if match is None:
            raise CocoonError(f"{record.where}: key 'input': turn {position} has no speaker; write 'seeker: ...'")
        draft.say(ROLES[match["role"].lower()], match["content"], f"turn {position}")
    parts = _sections(record.text("output"))
    if "response" not in parts:
        raise CocoonError(f"{record.where}: key 'output': has no section 'Response:'")
    strategy = parts.get("recognized strategy") or parts.get("strategy", "")
    analysis = " ".join(
        text for key, text in parts.items() if key not in ("response", "strategy", "recognized strategy") and text
    )
    draft.say("supporter", parts["response"], "key 'output'", thought_of(analysis, strategy))
    return draft.read(language="en")


def _sections(text: str) -> dict[str, str]:
    """Return the parts of an output by their headings in lower case.

    A reply of several paragraphs stays in one piece.
    """
    heads = list(_HEADS.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    return {head[1].lower(): text[head.end() : end].strip() for head, end in zip(heads, ends, strict=True)}
