"""Read ESD-CoT (ESCoT): one supporter turn with its history and a chain of thought, as a dialogue or an instruction."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Role, Thought
from cocoon.corpora.reading.dialogue_draft import (
    Corpus,
    Draft,
    ReadDialogue,
    a_list,
    an_id,
    an_object,
    optional_text,
    speaker_role,
)
from cocoon.corpora.reading.foreign_text import values

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


def load_esdcot(path: Path) -> Iterator[ReadDialogue]:
    """Yield every record as a dialogue that ends with the turn that has the chain of thought.

    Raises CocoonError naming the record that cannot be read.
    """
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        if "input" in record and "output" in record:
            yield _instruction(record, where, number)
        else:
            yield _dialogue(record, where, number)


def _dialogue(record: Mapping[str, Any], where: str, number: int) -> ReadDialogue:
    data = an_object(record.get("original_data"), where, "key 'original_data'")
    cot_data = record.get("cot_data")
    thought_fields = cot_data if isinstance(cot_data, dict) else {}
    draft = Draft(CORPUS, where, an_id(CORPUS, record.get("id"), number))
    for position, item in enumerate(a_list(data.get("dialog"), where, "key 'dialog'"), 1):
        turn = an_object(item, where, f"turn {position}")
        draft.say(
            speaker_role(turn.get("speaker"), ROLES, where, f"turn {position}"),
            turn.get("content"),
            f"turn {position}",
        )
    strategy = optional_text(thought_fields, "recognized_strategy", where) or optional_text(data, "strategy", where)
    analysis = " ".join(text for key in _THOUGHTS if (text := optional_text(thought_fields, key, where)))
    draft.say("supporter", data.get("response"), "key 'response'", _thought(analysis, strategy))
    return draft.read(
        language="en", emotion=optional_text(data, "emotion_type", where), feeling=_situation(data, where)
    )


def _situation(data: Mapping[str, Any], where: str) -> str:
    return optional_text(data, "situation", where)


def _thought(analysis: str, strategy: str) -> Thought | None:
    return Thought(analysis=analysis, strategy=strategy) if analysis or strategy else None


def _instruction(record: Mapping[str, Any], where: str, number: int) -> ReadDialogue:
    own_id = record.get("dialog_id", record.get("id"))
    draft = Draft(CORPUS, where, an_id(CORPUS, own_id, number))
    position = 0
    history = optional_text(record, "input", where)
    for block in re.split(r"\n(?=(?:seeker|supporter)\s*[:：])", history, flags=re.IGNORECASE):
        if not block.strip():
            continue
        position += 1
        match = _LINE.fullmatch(block.strip())
        if match is None:
            raise CocoonError(f"{where}: key 'input': turn {position} has no speaker; write 'seeker: ...'")
        draft.say(ROLES[match["role"].lower()], match["content"], f"turn {position}")
    parts = _sections(optional_text(record, "output", where))
    if "response" not in parts:
        raise CocoonError(f"{where}: key 'output': has no section 'Response:'")
    strategy = parts.get("recognized strategy") or parts.get("strategy", "")
    analysis = " ".join(
        text for key, text in parts.items() if key not in ("response", "strategy", "recognized strategy") and text
    )
    draft.say("supporter", parts["response"], "key 'output'", _thought(analysis, strategy))
    return draft.read(language="en")


def _sections(text: str) -> dict[str, str]:
    """Return the parts of an output by their headings in lower case.

    A reply of several paragraphs stays in one piece.
    """
    heads = list(_HEADS.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    return {head[1].lower(): text[head.end() : end].strip() for head, end in zip(heads, ends, strict=True)}
