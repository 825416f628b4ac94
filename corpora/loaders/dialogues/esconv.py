"""Read ESConv in three layouts: the original, PPDPP's lines, and MultiESC's lines (tokenised, neighbours merged)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, Fact, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_number, a_text
from cocoon.corpora.reading.layout import Layout

CORPUS = Corpus("esconv", "ESConv, crowd-sourced emotional support, en", "ESConv", "CC-BY-NC-4.0", "non_commercial")
# The dialogues that ESConv's authors left out have the same layout, with other speaker names.
FAILED = Corpus(
    "esconv-failed",
    "FailedESConv, dialogues below ESConv's standard, en",
    "FailedESConv",
    "CC-BY-NC-4.0",
    "non_commercial",
)
ROLES: dict[str, Role] = {
    "seeker": "user",
    "supporter": "supporter",
    "usr": "user",
    "sys": "supporter",
    "speaker": "user",
    "listener": "supporter",
}
_FACTS = ("experience_type", "init_intensity", "final_intensity")
_SIGNS = frozenset(("situation", "emotion_type", "problem_type", "experience_type", "survey_score"))
_SPACED = (
    (re.compile(r"(\w) ' (s|t|re|ve|m|ll|d)\b", re.IGNORECASE), r"\1'\2"),
    (re.compile(r" ([.,!?;:)\]])"), r"\1"),
    (re.compile(r"([(\[]) "), r"\1"),
)


def read_esconv(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record."""
    # Only MultiESC states intensities as numbers, and only MultiESC is tokenised.
    tokenised = "init_intensity" in record.fields
    joined = sum(_say(draft, turn, tokenised) for turn in record.objects("dialog"))
    if joined:
        draft.note("dialog", "repaired", f"words and marks that stood apart were joined in {joined} turns")
    draft.facts = _facts(record)
    yield draft.read(
        feeling=record.text("situation"),
        emotion=record.text("emotion_type"),
        scenario=record.text("problem_type"),
        language="en",
    )


def _shows_esconv(record: Mapping[str, Any]) -> bool:
    return "dialog" in record and not _SIGNS.isdisjoint(record)


LAYOUT = Layout(CORPUS, read_esconv, _shows_esconv)
FAILED_LAYOUT = Layout(FAILED, read_esconv, _shows_esconv)


def _say(draft: Draft, turn: ForeignRecord, tokenised: bool) -> bool:
    """Add a turn and return whether its text had to be joined."""
    role = turn.role("speaker", ROLES)
    content = a_text(turn.fields.get("content", turn.get("text")), turn.where, turn.position)
    plain = detokenised(content) if tokenised else content
    annotation = turn.get("annotation")
    labels = annotation if isinstance(annotation, dict) else turn.fields
    feedback = a_number(labels.get("feedback"))
    scores = {"feedback": feedback} if feedback is not None else None
    draft.say(role, plain, turn.position, thought_of("", _strategies(labels)), scores)
    return plain != content


def _strategies(labels: dict[str, Any]) -> str:
    """Return the strategy of a turn, or all strategies of a turn that MultiESC merged from several."""
    merged_strategies = labels.get("all_strategy")
    names = merged_strategies if isinstance(merged_strategies, list) and merged_strategies else [labels.get("strategy")]
    return "; ".join(name.strip() for name in names if isinstance(name, str) and name.strip())


def detokenised(text: str) -> str:
    """Return the text with punctuation and short forms joined to their words again."""
    for pattern, joined in _SPACED:
        text = pattern.sub(joined, text)
    return text


def _facts(record: ForeignRecord) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        key: value for key in _FACTS if isinstance(value := record.get(key), (str, int, float, bool))
    }
    survey = record.get("survey_score")
    for role in survey if isinstance(survey, dict) else {}:
        scores = ForeignRecord(survey[role] if isinstance(survey[role], dict) else {}, record.where)
        for name, score in scores.whole().items():
            number = a_number(score)
            facts[f"{'user' if role == 'seeker' else role}_{name}"] = score if number is None else number
    return {key: value if isinstance(value, (str, int, float, bool)) else str(value) for key, value in facts.items()}
