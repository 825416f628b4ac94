"""The people of a reproduction: those who are held out of every training, and those of them who talk."""

from collections.abc import Sequence

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import Language, Profile
from cocoon.studies.reproduce.config import ReproduceConfig


def held_out_profiles(config: ReproduceConfig) -> list[Profile]:
    """Return the first `limit` people who exist in every language of the rows, with all their versions.

    Raises CocoonError if there is nobody.
    """
    people: dict[str, dict[Language, Profile]] = {}
    for path in (path for name in config.profiles for path in profile_path(name)):
        for profile in read_records(path, Profile):
            people.setdefault(profile.translation_of or profile.id, {})[profile.language] = profile
    languages = config.languages
    complete = [versions for versions in people.values() if all(language in versions for language in languages)]
    if not complete:
        raise CocoonError(
            f"{', '.join(config.profiles)}: nobody stands in all of {', '.join(languages)}; translate them with "
            "`cocoon profiles translate`, or keep to rows of one language"
        )
    return [profile for versions in complete[: config.limit] for profile in versions.values()]


def talking_profiles(config: ReproduceConfig, held: Sequence[Profile]) -> list[Profile]:
    """Return the held-out profiles that talk, language by language, with the same people in each."""
    in_each = {language: [profile for profile in held if profile.language == language] for language in config.languages}
    return [profile for speakers in in_each.values() for profile in speakers[: config.talking]]
