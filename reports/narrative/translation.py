"""The words of a report in Chinese, by their English."""

import re
from functools import cache
from importlib import resources

import yaml

from cocoon.core.records import Language

_HOLE = re.compile(r"\{#?\}")
_SHORT = 90
_Template = tuple[re.Pattern[str], str]


def translated(text: str, language: Language) -> str:
    """Return a text of the report in a language. What the catalogue does not have stays English."""
    if language == "en" or not text:
        return text
    words, templates = _catalogue()
    if text in words:
        return words[text]
    for pattern, chinese in templates:
        match = pattern.fullmatch(text)
        if match is not None:
            return chinese.format(*(words.get(part, part) for part in match.groups()))
    return text


def translations() -> dict[str, str]:
    """Return the Chinese of every short text of the catalogue that has nothing to fill in, for pages of their own."""
    words = _catalogue()[0]
    return {english: chinese for english, chinese in words.items() if len(english) < _SHORT and "{" not in english}


@cache
def _catalogue() -> tuple[dict[str, str], list[_Template]]:
    text = resources.files("cocoon.reports.narrative").joinpath("zh.yaml").read_text("utf-8")
    words: dict[str, str] = yaml.safe_load(text)
    templates = [
        (re.compile(_pattern(english), re.DOTALL), chinese.replace("{#}", "{}"))
        for english, chinese in words.items()
        if _HOLE.search(english)
    ]
    return words, templates


def _pattern(english: str) -> str:
    """Return the pattern of a text with holes: `{}` takes any text, `{#}` a number alone."""
    parts = re.split(r"(\{#?\})", english)
    return "".join({"{}": "(.+?)", "{#}": r"([\d.,-]+)"}.get(part) or re.escape(part) for part in parts)
