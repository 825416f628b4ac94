"""Read ESC-Judge's personas (roles-v1.json): a challenge and life events, but no need.

Traits are left out, because a profile has no field for them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.records import Memory, Profile
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import an_object, optional_text
from cocoon.corpora.reading.foreign_file import clip
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.repair import RepairNote

SOURCE, LICENCE = "ESC-Judge", "Apache-2.0"
_LEFT_OUT = ("behavioral_traits", "role", "final_persona")
_NUMBER = re.compile(r"^\s*(?:\d+[.)]|[-*])\s*")


def load_esc_judge(path: Path) -> Iterator[tuple[str, Profile, list[RepairNote]]]:
    """Yield (where, profile, repairs) for each persona: the challenge as feeling, the life events as memories."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        profile_id = f"esc-judge-{clip(optional_text(record, 'pid', where) or str(number))}"
        challenge = optional_text(record, "challenge", where)
        if not challenge:
            raise CocoonError(f"{where}: key 'challenge' is missing or empty")
        events = (_NUMBER.sub("", line).strip() for line in optional_text(record, "life_events", where).splitlines())
        profile = Profile(
            id=profile_id,
            language=language_by_script(challenge),
            feeling=challenge,
            memory=[Memory(text=event) for event in events if event],
            source=SOURCE,
            licence=LICENCE,
        )
        dropped_keys = ", ".join(key for key in _LEFT_OUT if record.get(key))
        reason = "a profile has no place for traits and for the persona as prose"
        yield where, profile, [_note(where, profile_id, dropped_keys, reason)] if dropped_keys else []


def _note(where: str, profile_id: str, keys: str, reason: str) -> RepairNote:
    return RepairNote(where=where, profile=profile_id, key=keys, repair="dropped", reason=reason)
