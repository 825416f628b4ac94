"""Profiles held out for evaluation: no dialogue of theirs is trained on, whatever its name is."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rapidfuzz.fuzz import ratio
from rapidfuzz.process import extractOne

from cocoon.core.jsonl import read_records
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import Language, Profile

# Texts at least this similar (0 to 100) count as the same text in other words.
_ALIKE = 85.0


class HeldOut:
    """Checks whether a profile is held out.

    It is, if it matches by its id or that of its translation (within one source), by its chain, or by its feeling and
    need, whatever the scenario. The last two need not be exactly equal. A chain of one step identifies nobody.
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        held_out = list(profiles)
        self.number = len({profile.translation_of or profile.id for profile in held_out})
        self._names = {(profile.source, name) for profile in held_out for name in _names(profile)}
        self._chains = _by_language((profile.language, _chain(profile)) for profile in held_out)
        self._feelings = _by_language((profile.language, _feeling(profile)) for profile in held_out)

    @classmethod
    def read(cls, names: Sequence[str]) -> "HeldOut":
        """Read held-out profiles from files, or `shipped`. Raises CocoonError for a file that cannot be read."""
        return cls(profile for name in names for path in profile_path(name) for profile in _profiles(path))

    def __contains__(self, profile: Profile) -> bool:
        if any((profile.source, name) in self._names for name in _names(profile)):
            return True
        return any(
            _is_among(text, texts_by_language.get(profile.language, []))
            for text, texts_by_language in ((_chain(profile), self._chains), (_feeling(profile), self._feelings))
        )


def _profiles(path: Path) -> Iterable[Profile]:
    return read_records(path, Profile)


def _names(profile: Profile) -> set[str]:
    return {profile.id, profile.translation_of or profile.id}


def _chain(profile: Profile) -> str:
    return "\n".join(step.need for step in profile.chain) if len(profile.chain) > 1 else ""


def _feeling(profile: Profile) -> str:
    """Return feeling and need, or an empty text if the profile has no feeling."""
    return f"{profile.feeling} {profile.need or ''}" if profile.feeling.strip() else ""


def _by_language(texts: Iterable[tuple[Language, str]]) -> dict[Language, list[str]]:
    texts_by_language: dict[Language, list[str]] = {}
    for language, text in texts:
        if text:
            texts_by_language.setdefault(language, []).append(text)
    return texts_by_language


def _is_among(text: str, known: list[str]) -> bool:
    return bool(text) and extractOne(text, known, scorer=ratio, score_cutoff=_ALIKE) is not None
