"""ESConv in three layouts: the original, PPDPP's lines, and MultiESC's lines (tokenised, neighbours merged)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Role, Thought
from cocoon.corpora.dialogue_draft import (
    Corpus,
    Draft,
    Fact,
    Read,
    a_list,
    a_number,
    a_text,
    an_id,
    an_object,
    optional_text,
    role_of,
)
from cocoon.corpora.foreign_text import values

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


def load(path: Path) -> Iterator[Read]:
    """Yield every dialogue; raises CocoonError naming file, record and turn."""
    yield from load_as(path, CORPUS)


def load_as(path: Path, corpus: Corpus) -> Iterator[Read]:
    """The same for a corpus in the same layout."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        draft = Draft(corpus, where, an_id(corpus, record.get("id"), number))
        # MultiESC alone states intensities as numbers, and it alone is tokenised.
        tokenised, joined = "init_intensity" in record, 0
        for place, item in enumerate(a_list(record.get("dialog"), where, "key 'dialog'"), 1):
            joined += _turn(draft, an_object(item, where, f"turn {place}"), f"turn {place}", tokenised)
        if joined:
            draft.note("dialog", "repaired", f"words and marks that stood apart were joined in {joined} turns")
        yield draft.read(
            feeling=optional_text(record, "situation", where),
            emotion=optional_text(record, "emotion_type", where),
            scenario=optional_text(record, "problem_type", where),
            language="en",
            facts=_facts(record),
        )


def _turn(draft: Draft, item: Mapping[str, Any], place: str, tokenised: bool) -> bool:
    """Add a turn; whether its text had to be joined."""
    role = role_of(item.get("speaker"), ROLES, draft.where, place)
    content = a_text(item.get("content", item.get("text")), draft.where, place)
    plain = detokenised(content) if tokenised else content
    annotation = item.get("annotation")
    told = annotation if isinstance(annotation, dict) else item
    strategy = _strategies(told)
    thought = Thought(strategy=strategy) if strategy else None
    feedback = a_number(told.get("feedback"))
    draft.say(role, plain, place, thought, {"feedback": feedback} if feedback is not None else None)
    return plain != content


def _strategies(told: Mapping[str, Any]) -> str:
    """The strategy; of a turn that MultiESC merged from several, all of them."""
    several = told.get("all_strategy")
    names = several if isinstance(several, list) and several else [told.get("strategy")]
    return "; ".join(name.strip() for name in names if isinstance(name, str) and name.strip())


def detokenised(text: str) -> str:
    """Marks and short forms joined to their words again."""
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
