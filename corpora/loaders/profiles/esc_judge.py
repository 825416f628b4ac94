"""Read ESC-Judge's personas (roles-v1.json): a challenge and life events, but no need.

Traits are left out, because a profile has no field for them.
"""

import re

from cocoon.core.errors import CocoonError
from cocoon.core.records import Memory
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.repair import ReadProfile

CORPUS = Corpus("esc-judge", "ESC-Judge, personas with life events, en", "ESC-Judge", "Apache-2.0", "attribution")
_LEFT_OUT = ("behavioral_traits", "role", "final_persona")
_NUMBER = re.compile(r"^\s*(?:\d+[.)]|[-*])\s*")


def read_esc_judge(record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return the profile of a persona: the challenge as feeling, the life events as memories."""
    draft.number_by(record.text("pid"))
    challenge = record.text("challenge")
    if not challenge:
        raise CocoonError(f"{record.where}: key 'challenge' is missing or empty")
    events = (_NUMBER.sub("", line).strip() for line in record.text("life_events").splitlines())
    memory = [Memory(text=event) for event in events if event]
    if dropped_keys := ", ".join(key for key in _LEFT_OUT if record.get(key)):
        draft.note(dropped_keys, "dropped", "a profile has no place for traits and for the persona as prose")
    return ReadProfile(record.where, CORPUS.person(draft.id, challenge, memory=memory), draft.notes)
