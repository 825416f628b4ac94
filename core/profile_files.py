"""Where profiles are read from: a file of the user's, or the shipped ones by name."""

from importlib import resources
from pathlib import Path
from typing import get_args

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language

SHIPPED = "shipped"


def profile_path(name: str) -> list[Path]:
    """The files that a name stands for: `shipped` (all), `shipped:zh`, `shipped:en`, or the path itself.

    Raises CocoonError for a shipped language that there is none of, and for a path where no file is.
    """
    shipped, colon, language = name.partition(":")
    if shipped != SHIPPED:
        return [_existing(Path(name))]
    folder = Path(str(resources.files("cocoon.examples"))) / "profiles"
    if not colon:
        return [folder / f"{one}.jsonl" for one in get_args(Language)]
    if language not in get_args(Language):
        raise CocoonError(
            f"profiles {name!r}: there are {SHIPPED}, {', '.join(f'{SHIPPED}:{one}' for one in get_args(Language))}"
        )
    return [folder / f"{language}.jsonl"]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CocoonError(f"profiles {str(path)!r}: no such file; give a JSONL file of profiles, or {SHIPPED}:en")
    return path
