"""Read Cactus: intake forms with an attitude and the first two turns, or the full dialogue where there is one."""

import re
from collections.abc import Iterator

from cocoon.core.errors import CocoonError
from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout, has_keys
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


def read_cactus(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record, or its opening turns where it has no dialogue."""
    draft.number_by(record.get("idx"))
    person = record.object("AI_client")
    history = person.text("dialogue_history")
    if not history:
        history = person.text("dialogue_history_init")
        draft.note("dialogue_history", "replaced", "there is no dialogue; the opening turns stand for it")
    add_lines(draft, history, ROLES)
    draft.facts["attitude"] = person.text("attitude") or None
    yield draft.read(feeling=_problem(person))


LAYOUT = Layout(CORPUS, read_cactus, has_keys("ai_client"))


def read_cactus_profile(record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return a profile with the presenting problem as the feeling.

    The corpus does not state a need, so the profile has none.
    """
    draft.number_by(record.get("idx"))
    person = record.object("AI_client")
    problem = _problem(person)
    if not problem:
        raise CocoonError(f"{person.where}: key 'intake_form': no section 'Presenting Problem'")
    attitude = person.text("attitude")
    scenario = f"attitude: {attitude}" if attitude else ""
    return ReadProfile(person.where, CORPUS.person(draft.id, problem, scenario))


def _problem(person: ForeignRecord) -> str:
    match = _PROBLEM.search(person.text("intake_form"))
    return " ".join(match["text"].split()) if match else ""
