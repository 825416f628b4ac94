"""Read corpora of chat messages (role user or assistant, content), such as SoulChat and PsyDT."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Role
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

ROLES: dict[str, Role] = {"user": "user", "assistant": "supporter", "supporter": "supporter"}


def load_messages(path: Path, corpus: Corpus) -> Iterator[ReadDialogue]:
    """Yield every record of a messages file, with its system messages as a fact of the dialogue."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        draft = Draft(corpus, where, an_id(corpus, record.get("id"), number))
        facts = add_messages(draft, record)
        scenario = optional_text(record, "normalizedTag", where) or optional_text(record, "topic", where)
        yield draft.read(scenario=scenario, facts=facts)


def add_messages(draft: Draft, record: Mapping[str, Any]) -> dict[str, Fact]:
    """Add the messages of a record as turns and return its system messages as facts."""
    facts: dict[str, Fact] = {}
    for position, item in enumerate(a_list(record.get("messages"), draft.where, "key 'messages'"), 1):
        turn = an_object(item, draft.where, f"message {position}")
        if turn.get("role") == "system":
            system_texts = (facts.get("system"), optional_text(turn, "content", draft.where))
            facts["system"] = "\n".join(str(text) for text in system_texts if text)
            draft.note(f"message {position}", "relabelled", "a system message became the fact 'system'")
            continue
        role = speaker_role(turn.get("role"), ROLES, draft.where, f"message {position}")
        draft.say(role, turn.get("content"), f"message {position}")
    return facts
