"""Read Cactus: intake forms with an attitude and the first two turns, or the full dialogue where there is one."""

import re
from collections.abc import Iterator
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord, an_object
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.repair import ReadProfile
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
    for own_id, person in _people(path):
        draft = Draft(CORPUS, person.where, own_id)
        history = person.text("dialogue_history")
        if not history:
            history = person.text("dialogue_history_init")
            draft.note("dialogue_history", "replaced", "there is no dialogue; the opening turns stand for it")
        add_lines(draft, history, ROLES)
        draft.facts["attitude"] = person.text("attitude") or None
        yield draft.read(feeling=_problem(person))


def load_cactus_profiles(path: Path) -> Iterator[ReadProfile]:
    """Yield a profile for every record, with the presenting problem as the feeling.

    The corpus does not state a need, so the profile has none.
    """
    for own_id, person in _people(path):
        problem = _problem(person)
        if not problem:
            raise CocoonError(f"{person.where}: key 'intake_form': no section 'Presenting Problem'")
        attitude = person.text("attitude")
        scenario = f"attitude: {attitude}" if attitude else ""
        yield ReadProfile(person.where, CORPUS.person(own_id, problem, scenario))


def _people(path: Path) -> Iterator[tuple[str, ForeignRecord]]:
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        yield CORPUS.id_of(record.get("idx"), number), record.object("AI_client")


def _problem(person: ForeignRecord) -> str:
    match = _PROBLEM.search(person.text("intake_form"))
    return " ".join(match["text"].split()) if match else ""
