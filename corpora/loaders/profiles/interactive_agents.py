"""Read profiles of interactive-agents (user_profiles/*.json): requests for help in plain text, and no need."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import a_text
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.repair import RepairNote

SOURCE, LICENCE = "interactive-agents", "MIT (repository)"


def load_interactive_agents(path: Path) -> Iterator[tuple[str, Profile, list[RepairNote]]]:
    """Yield (where, profile, no repairs) for every request.

    The request is the feeling, and the name of the file is part of the id.
    """
    name = path.stem.removeprefix("user_profiles_")
    for number, (where, value) in enumerate(values(path), 1):
        text = a_text(value, where, "the record")
        if not text:
            raise CocoonError(f"{where}: the request is empty")
        profile = Profile(
            id=f"interactive-agents-{name}-{number}",
            language=language_by_script(text),
            feeling=text,
            source=SOURCE,
            licence=LICENCE,
        )
        yield where, profile, []
