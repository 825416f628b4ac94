"""Profiles kept for evaluation: no dialogue of theirs is trained on, whatever it is called."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rapidfuzz.fuzz import ratio
from rapidfuzz.process import extractOne

from cocoon.core.jsonl import read_records
from cocoon.core.profile_files import profile_path
from cocoon.core.records import Language, Profile

# Texts this alike (0 to 100) are one in other words.
_ALIKE = 85.0


class HeldOut:
    """Tells whether a profile is one of those held out.

    It is, by its id or that of its translation (within one source), by its chain, or by its feeling and need, whatever
    the scenario; the two latter need not be equal to the letter. A chain of one step tells nobody apart.
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        held = list(profiles)
        self.number = len({one.translation_of or one.id for one in held})
        self._names = {(one.source, name) for one in held for name in _names(one)}
        self._chains = _by_language((one.language, _chain(one)) for one in held)
        self._feelings = _by_language((one.language, _feeling(one)) for one in held)

    @classmethod
    def read(cls, names: Sequence[str]) -> "HeldOut":
        """Those of some files, or `shipped`; CocoonError for a file that cannot be read."""
        return cls(profile for name in names for path in profile_path(name) for profile in _profiles(path))

    def __contains__(self, profile: Profile) -> bool:
        if any((profile.source, name) in self._names for name in _names(profile)):
            return True
        return any(
            _is_among(text, known.get(profile.language, []))
            for text, known in ((_chain(profile), self._chains), (_feeling(profile), self._feelings))
        )


def _profiles(path: Path) -> Iterable[Profile]:
    return read_records(path, Profile)


def _names(profile: Profile) -> set[str]:
    return {profile.id, profile.translation_of or profile.id}


def _chain(profile: Profile) -> str:
    return "\n".join(step.need for step in profile.chain) if len(profile.chain) > 1 else ""


def _feeling(profile: Profile) -> str:
    """Feeling and need; nothing where the feeling is not told."""
    return f"{profile.feeling} {profile.need or ''}" if profile.feeling.strip() else ""


def _by_language(texts: Iterable[tuple[Language, str]]) -> dict[Language, list[str]]:
    found: dict[Language, list[str]] = {}
    for language, text in texts:
        if text:
            found.setdefault(language, []).append(text)
    return found


def _is_among(text: str, known: list[str]) -> bool:
    return bool(text) and extractOne(text, known, scorer=ratio, score_cutoff=_ALIKE) is not None
