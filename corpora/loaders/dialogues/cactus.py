"""Read Cactus: intake forms with an attitude and the first two turns, or the full dialogue where there is one."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile, Role
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, an_id, an_object, optional_text
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.repair import RepairNote
from cocoon.corpora.reading.spoken_lines import add_lines

CORPUS = Corpus(
    "cactus", "Cactus, cognitive behavioural counselling, en and zh", "Cactus", "GPL-2.0 (repository)", "none"
)
ROLES: dict[str, Role] = {"Client": "user", "Counselor": "supporter", "来访者": "user", "咨询师": "supporter"}
_PROBLEM = re.compile(
    r"(?:^|\n)\s*(?:2\.\s*)?(?:Presenting Problem|主要问题|当前问题|呈现问题)[^\n]*\n(?P<text>.*?)(?=\n\s*3\.|\Z)",
    re.DOTALL | re.IGNORECASE,
)


def load_cactus(path: Path) -> Iterator[ReadDialogue]:
    """Yield the dialogue of every record, or its opening turns where it has no dialogue.

    Raises CocoonError naming the record that cannot be read.
    """
    for number, (where, value) in enumerate(values(path), 1):
        person = _person(value, where)
        draft = Draft(CORPUS, where, _id(value, number))
        history = optional_text(person, "dialogue_history", where)
        if not history:
            history = optional_text(person, "dialogue_history_init", where)
            draft.note("dialogue_history", "replaced", "there is no dialogue; the opening turns stand for it")
        add_lines(draft, history, ROLES)
        form = optional_text(person, "intake_form", where)
        yield draft.read(feeling=_problem(form), facts={"attitude": optional_text(person, "attitude", where) or None})


def load_cactus_profiles(path: Path) -> Iterator[tuple[str, Profile, list[RepairNote]]]:
    """Yield (where, profile, no repairs) for every record, with the presenting problem as the feeling.

    The corpus does not state a need, so the profile has none.
    """
    for number, (where, value) in enumerate(values(path), 1):
        person = _person(value, where)
        form = optional_text(person, "intake_form", where)
        problem = _problem(form)
        if not problem:
            raise CocoonError(f"{where}: key 'intake_form': no section 'Presenting Problem'")
        attitude = optional_text(person, "attitude", where)
        yield (
            where,
            Profile(
                id=_id(value, number),
                language=language_by_script(problem),
                scenario=f"attitude: {attitude}" if attitude else "",
                feeling=problem,
                source=CORPUS.source,
                licence=CORPUS.licence,
            ),
            [],
        )


def _person(value: Any, where: str) -> Mapping[str, Any]:
    record = an_object(value, where)
    return an_object(record.get("AI_client"), where, "key 'AI_client'")


def _id(value: Mapping[str, Any], number: int) -> str:
    return an_id(CORPUS, value.get("idx"), number)


def _problem(form: str) -> str:
    match = _PROBLEM.search(form)
    return " ".join(match["text"].split()) if match else ""
