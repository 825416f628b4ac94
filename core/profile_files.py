"""Where profiles are read from: a file of the user's, or the shipped ones by name."""

from importlib import resources
from pathlib import Path
from typing import get_args

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language

SHIPPED = "shipped"
"""Twenty people for trying things out."""
OPEN = "open"
"""COCOON-Open: 200 people for studies, each in Chinese and English."""
_FOLDERS = {SHIPPED: "profiles", OPEN: "open"}


def profile_path(name: str) -> list[Path]:
    """Return the files that a name stands for.

    A name is `shipped` or `open` (both languages), one of them with its language, such as `shipped:zh` or `open:en`, or
    the path of a file. Raises CocoonError for a language that is not there, and for a path where no file is.
    """
    collection, colon, language = name.partition(":")
    if collection not in _FOLDERS:
        return [_existing(Path(name))]
    folder = Path(str(resources.files("cocoon.examples"))) / _FOLDERS[collection]
    languages = get_args(Language)
    if not colon:
        return [folder / f"{each_language}.jsonl" for each_language in languages]
    if language not in languages:
        names = ", ".join(f"{collection}:{each_language}" for each_language in languages)
        raise CocoonError(f"profiles {name!r}: there are {collection}, {names}")
    return [folder / f"{language}.jsonl"]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CocoonError(
            f"profiles {str(path)!r}: no such file; give a JSONL file of profiles, {SHIPPED}:en or {OPEN}:en"
        )
    return path
