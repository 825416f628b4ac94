"""What `Run.show` gives: one dialogue to look at, in a notebook or as a file."""

from dataclasses import dataclass
from pathlib import Path

from cocoon.core.jsonl import write_whole
from cocoon.viewer.single import iframe


@dataclass(frozen=True)
class DialoguePage:
    """One dialogue as a page: who the user is, the words, the supporter's thoughts, the judge's evidence.

    A notebook shows it in its cell. `html` is the whole page, and `save` writes it to a file that opens from disk.
    """

    dialogue: str
    html: str
    height: int

    def __repr__(self) -> str:
        return f"DialoguePage({self.dialogue!r})"

    def _repr_html_(self) -> str:
        return iframe(self.html, self.dialogue, self.height)

    def save(self, file: str | Path) -> Path:
        """Write the page to an HTML file, which needs nothing beside it, and return its path."""
        path = Path(file)
        write_whole(path, [self.html.encode()])
        return path
