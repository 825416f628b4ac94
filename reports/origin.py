"""What a report says before all else: that no model worth a finding made the words or the ratings."""

from collections.abc import Iterable
from pathlib import Path

from cocoon.running.manifest import uses_embedded, uses_scripted

EMBEDDED_WARNING = "Made with the embedded model: this shows the machinery, not the science."
SCRIPTED_WARNING = (
    "Some words or ratings are from a script, not from a language model: this shows the machinery, not the science."
)


def warnings_of(*, scripted: bool, embedded: bool) -> list[str]:
    """Return the warnings on who made the words and the ratings."""
    return [*([SCRIPTED_WARNING] if scripted else []), *([EMBEDDED_WARNING] if embedded else [])]


def origin_warnings(folders: Iterable[Path]) -> list[str]:
    """Return the warnings on who made the words and the ratings of some run folders, by the facts of their models."""
    runs = list(folders)
    return warnings_of(scripted=uses_scripted(runs), embedded=uses_embedded(runs))
