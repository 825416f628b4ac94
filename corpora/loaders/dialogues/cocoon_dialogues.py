"""Read dialogues in the layout of the COCOON paper's Figures 9 and 10: a listening stage and a suggestion stage.

In the listening stage the spoken words are the `rewrite` where there is one, and `content` is then the draft.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Role, Thought
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import (
    Corpus,
    Draft,
    Fact,
    ReadDialogue,
    a_list,
    an_id,
    an_object,
    optional_text,
    speaker_role,
)
from cocoon.corpora.reading.foreign_text import values

CORPUS = Corpus(
    "cocoon",
    "COCOON's layout (paper, Figures 9 and 10)",
    "COCOON paper layout",
    "none stated (COCOON paper layout)",
    "none",
)
ROLES: dict[str, Role] = {"倾听者": "supporter", "倾诉者": "user", "supporter": "supporter", "user": "user"}
_ANALYSES = ("对话分析", "dialogue analysis")


def load_cocoon_dialogues(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file, the record and the turn that cannot be read.
    """
    for number, (where, value) in enumerate(values(path), 1):
        record = {str(key).strip().lower(): content for key, content in an_object(value, where).items()}
        draft = Draft(CORPUS, where, an_id(CORPUS, record.get("id"), number))
        facts: dict[str, Fact] = {}
        for stage in ("listening stage", "suggestion stage"):
            if stage == "suggestion stage" and stage in record:
                draft.stage_boundary = len(draft.turns)
            for position, item in enumerate(a_list(record.get(stage, []), where, f"key {stage!r}"), 1):
                turn = an_object(item, where, f"{stage}, turn {position}")
                if analysis := next((turn[key] for key in _ANALYSES if key in turn), None):
                    facts["analysis"] = str(analysis)
                    continue
                _turn(draft, turn, f"{stage}, turn {position}")
        yield _read(draft, record.get("profile"), facts)


def _turn(draft: Draft, turn: Mapping[str, Any], position: str) -> None:
    role = speaker_role(turn.get("role"), ROLES, draft.where, position)
    analysis, strategy = (optional_text(turn, key, draft.where) for key in ("analysis", "strategy"))
    thought = Thought(analysis=analysis, strategy=strategy) if analysis or strategy else None
    content, rewrite = turn.get("content"), turn.get("rewrite")
    if rewrite is None:
        draft.say(role, content, position, thought)
        return
    first_wording = optional_text(turn, "content", draft.where)
    draft.say(role, rewrite, position, thought, draft=first_wording or None)


def _read(draft: Draft, profile: Any, facts: Mapping[str, Fact]) -> ReadDialogue:
    person = profile if isinstance(profile, dict) else {}
    fields = {str(key).strip().lower(): value for key, value in person.items()}
    field_texts = {key: optional_text(fields, key, draft.where) for key in ("feeling", "emotion", "scenario", "need")}
    return draft.read(
        feeling=field_texts["feeling"],
        emotion=field_texts["emotion"],
        scenario=field_texts["scenario"],
        need=field_texts["need"] or None,
        language=language_by_script(" ".join(turn.content for turn in draft.turns)),
        facts=facts,
    )
