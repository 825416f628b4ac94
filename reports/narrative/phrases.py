"""The sentences of a report in both languages, as `phrases.yaml` has them."""

from functools import cache
from importlib import resources

import yaml

from cocoon.core.records import Language


def phrase(key: str, language: Language, **names: object) -> str:
    """Return the wording of `key` with its names filled in."""
    return all_phrases()[key][language == "zh"].format(**names)


@cache
def all_phrases() -> dict[str, tuple[str, str]]:
    """Return the English and the Chinese wording by key."""
    text = resources.files("cocoon.reports.narrative").joinpath("phrases.yaml").read_text("utf-8")
    return {key: (english, chinese) for key, (english, chinese) in yaml.safe_load(text).items()}
