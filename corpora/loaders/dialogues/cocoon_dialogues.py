"""Read dialogues in the layout of the COCOON paper's Figures 9 and 10: a listening stage and a suggestion stage.

In the listening stage the spoken words are the `rewrite` where there is one, and `content` is then the draft.
"""

from collections.abc import Iterator

from cocoon.core.records import Role
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_list, objects
from cocoon.corpora.reading.layout import Layout, has_keys

CORPUS = Corpus(
    "cocoon",
    "COCOON's layout (paper, Figures 9 and 10)",
    "COCOON paper layout",
    "none stated (COCOON paper layout)",
    "none",
)
ROLES: dict[str, Role] = {"倾听者": "supporter", "倾诉者": "user", "supporter": "supporter", "user": "user"}
_ANALYSES = ("对话分析", "dialogue analysis")


def read_cocoon_dialogue(foreign_record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record, with both of its stages."""
    record = foreign_record.with_lower_keys()
    for stage in ("listening stage", "suggestion stage"):
        if stage == "suggestion stage" and stage in record.fields:
            draft.stage_boundary = len(draft.turns)
        turns = a_list(record.fields.get(stage, []), record.where, f"key {stage!r}")
        for turn in objects(turns, record.where, f"{stage}, turn"):
            if analysis := next((turn.get(key) for key in _ANALYSES if key in turn.fields), None):
                draft.facts["analysis"] = str(analysis)
            else:
                _say(draft, turn)
    yield _read(draft, record)


LAYOUT = Layout(CORPUS, read_cocoon_dialogue, has_keys("listening stage"))


def _say(draft: Draft, turn: ForeignRecord) -> None:
    role = turn.role("role", ROLES)
    thought = thought_of(turn.text("analysis"), turn.text("strategy"))
    rewrite = turn.get("rewrite")
    if rewrite is None:
        draft.say(role, turn.get("content"), turn.position, thought)
    else:
        draft.say(role, rewrite, turn.position, thought, draft=turn.text("content") or None)


def _read(draft: Draft, record: ForeignRecord) -> ReadDialogue:
    profile = record.get("profile")
    person = ForeignRecord(profile if isinstance(profile, dict) else {}, record.where).with_lower_keys()
    return draft.read(
        feeling=person.text("feeling"),
        emotion=person.text("emotion"),
        scenario=person.text("scenario"),
        need=person.text("need") or None,
        language=language_by_script(" ".join(turn.content for turn in draft.turns)),
    )
