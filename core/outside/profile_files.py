"""Where profiles are read from: a file of the user's, or the shipped ones by name."""

import difflib
from importlib import resources
from pathlib import Path
from typing import get_args

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.core.records import Language, Profile

SHIPPED = "shipped"
"""Twenty people for trying things out."""
OPEN = "open"
"""COCOON-Open: 200 people for studies, each in Chinese and English."""
CRISIS = "crisis"
"""The twenty people of COCOON-Open who have a crisis nearby."""
_FOLDERS = {SHIPPED: "profiles", OPEN: "open", CRISIS: "crisis"}


def profile_path(name: str) -> list[Path]:
    """Return the files that a name stands for.

    A name is `shipped`, `open` or `crisis` (both languages), one of them with its language, such as `shipped:zh` or
    `open:en`, or the path of a file. Raises CocoonError for a language that is not there, and for a path where no file
    is.
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


def read_profile_files(name: str) -> list[Profile]:
    """Return the profiles of a file, or of `shipped`, `shipped:zh`, `shipped:en`."""
    return [profile for path in profile_path(name) for profile in read_records(path, Profile)]


def find_profile(name: str, profile_id: str) -> Profile:
    """Return the profile of that id. Raises CocoonError naming the nearest id if there is none."""
    profiles = read_profile_files(name)
    for profile in profiles:
        if profile.id == profile_id:
            return profile
    raise CocoonError(
        f"{name}: no profile {profile_id!r} in it{_nearest(profile_id, [profile.id for profile in profiles])}"
    )


def _nearest(profile_id: str, ids: list[str]) -> str:
    close = difflib.get_close_matches(profile_id, ids, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(ids[:5])}{' ...' if ids[5:] else ''}"


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CocoonError(
            f"profiles {str(path)!r}: no such file; give a JSONL file of profiles, {SHIPPED}:en or {OPEN}:en"
        )
    return path
