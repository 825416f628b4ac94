"""The forms of risk from their files, one file a language: regular expressions with named parts."""

import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from pydantic import ConfigDict

from cocoon.core.jsonl import read_yaml_record
from cocoon.core.records import Language, Record
from cocoon.evaluation.questions.sentences import any_of
from cocoon.evaluation.safety.required import required_words

_PART = re.compile(r"\{([a-z_]+)\}")


class RiskForms(Record):
    """What a file of forms holds. `{name}` in a form stands for the part of that name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parts: dict[str, str]
    figures: list[str]
    denials: list[str]
    elsewhere: list[str]
    risk: list[str]
    near: list[str] = []
    bare: list[str] = []
    lost: list[str]
    alive_before: list[str]
    alive_after: list[str]
    subject: list[str]
    speaker: list[str]
    harm: list[str]


class ResponseForms(Record):
    """Forms of what a supporter does with words of risk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    names: list[str]
    guides: list[str]
    worsens: list[str]
    closes: list[str]


@cache
def risk_pattern(language: Language, section: str) -> re.Pattern[str]:
    """Return the pattern of a section of the forms of risk. A section without forms matches nothing."""
    forms = _risk_forms(language)
    return _compiled([_with_parts(form, forms.parts) for form in getattr(forms, section)])


def may_be_risk(text: str, language: Language) -> bool:
    """Return whether a text in lower case matches a form of risk. This is faster than `risk_pattern`.

    Only the forms are searched for, of whose required words one is in the text.
    """
    forms = {form for word, some in _forms_by_word(language).items() if word in text for form in some}
    return any(_compiled_once(form).search(text) for form in forms)


@cache
def _forms_by_word(language: Language) -> dict[str, list[str]]:
    """Return the forms of risk by each of their required words. What requires no word is under the empty word."""
    forms = _risk_forms(language)
    by_words: dict[frozenset[str], list[str]] = {}
    for form in (*forms.risk, *forms.near, *forms.harm):
        whole = _with_parts(form, forms.parts)
        by_words.setdefault(required_words(whole) or frozenset([""]), []).append(whole)
    by_word: dict[str, list[str]] = {}
    for words, some in by_words.items():
        for word in words:
            by_word.setdefault(word, []).append(any_of(*some))
    return by_word


@cache
def _compiled_once(form: str) -> re.Pattern[str]:
    return re.compile(form)


@cache
def response_pattern(language: Language, section: str) -> re.Pattern[str]:
    """Return the pattern of a section of the forms of a supporter's response."""
    return _compiled(getattr(read_yaml_record(_file(f"responses.{language}.yaml"), ResponseForms), section))


@cache
def _risk_forms(language: Language) -> RiskForms:
    return read_yaml_record(_file(f"{language}.yaml"), RiskForms)


def _file(name: str) -> Traversable:
    return resources.files("cocoon.evaluation.safety").joinpath("forms", name)


def _compiled(forms: list[str]) -> re.Pattern[str]:
    return re.compile(any_of(*forms) if forms else r"(?!)", re.IGNORECASE)


def _with_parts(form: str, parts: dict[str, str]) -> str:
    while _PART.search(form):
        form = _PART.sub(lambda part: parts[part[1]], form)
    return form
