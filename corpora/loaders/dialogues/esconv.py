"""Read ESConv in three layouts: the original, PPDPP's lines, and MultiESC's lines (tokenised, neighbours merged)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Role, Thought
from cocoon.corpora.reading.dialogue_draft import (
    Corpus,
    Draft,
    Fact,
    ReadDialogue,
    a_list,
    a_number,
    a_text,
    an_id,
    an_object,
    optional_text,
    speaker_role,
)
from cocoon.corpora.reading.foreign_text import values

CORPUS = Corpus("esconv", "ESConv, crowd-sourced emotional support, en", "ESConv", "CC-BY-NC-4.0", "non_commercial")
ROLES: dict[str, Role] = {
    "seeker": "user",
    "supporter": "supporter",
    "usr": "user",
    "sys": "supporter",
    "speaker": "user",
    "listener": "supporter",
}
_FACTS = ("experience_type", "init_intensity", "final_intensity")
_SPACED = (
    (re.compile(r"(\w) ' (s|t|re|ve|m|ll|d)\b", re.IGNORECASE), r"\1'\2"),
    (re.compile(r" ([.,!?;:)\]])"), r"\1"),
    (re.compile(r"([(\[]) "), r"\1"),
)


def load_esconv(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file, the record and the turn that cannot be read.
    """
    yield from load_as(path, CORPUS)


def load_as(path: Path, corpus: Corpus) -> Iterator[ReadDialogue]:
    """Yield every dialogue of a corpus that has the layout of ESConv."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        draft = Draft(corpus, where, an_id(corpus, record.get("id"), number))
        # Only MultiESC states intensities as numbers, and only MultiESC is tokenised.
        tokenised, joined = "init_intensity" in record, 0
        for position, item in enumerate(a_list(record.get("dialog"), where, "key 'dialog'"), 1):
            joined += _turn(draft, an_object(item, where, f"turn {position}"), f"turn {position}", tokenised)
        if joined:
            draft.note("dialog", "repaired", f"words and marks that stood apart were joined in {joined} turns")
        yield draft.read(
            feeling=optional_text(record, "situation", where),
            emotion=optional_text(record, "emotion_type", where),
            scenario=optional_text(record, "problem_type", where),
            language="en",
            facts=_facts(record),
        )


def _turn(draft: Draft, item: Mapping[str, Any], position: str, tokenised: bool) -> bool:
    """Add a turn and return whether its text had to be joined."""
    role = speaker_role(item.get("speaker"), ROLES, draft.where, position)
    content = a_text(item.get("content", item.get("text")), draft.where, position)
    plain = detokenised(content) if tokenised else content
    annotation = item.get("annotation")
    labels = annotation if isinstance(annotation, dict) else item
    strategy = _strategies(labels)
    thought = Thought(strategy=strategy) if strategy else None
    feedback = a_number(labels.get("feedback"))
    draft.say(role, plain, position, thought, {"feedback": feedback} if feedback is not None else None)
    return plain != content


def _strategies(labels: Mapping[str, Any]) -> str:
    """Return the strategy of a turn, or all strategies of a turn that MultiESC merged from several."""
    merged_strategies = labels.get("all_strategy")
    names = merged_strategies if isinstance(merged_strategies, list) and merged_strategies else [labels.get("strategy")]
    return "; ".join(name.strip() for name in names if isinstance(name, str) and name.strip())


def detokenised(text: str) -> str:
    """Return the text with punctuation and short forms joined to their words again."""
    for pattern, joined in _SPACED:
        text = pattern.sub(joined, text)
    return text


def _facts(record: Mapping[str, Any]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        key: value for key in _FACTS if isinstance(value := record.get(key), (str, int, float, bool))
    }
    survey = record.get("survey_score")
    for role, scores in (survey if isinstance(survey, dict) else {}).items():
        for name, score in (scores if isinstance(scores, dict) else {}).items():
            number = a_number(score)
            facts[f"{'user' if role == 'seeker' else role}_{name}"] = score if number is None else number
    return {key: value if isinstance(value, (str, int, float, bool)) else str(value) for key, value in facts.items()}
