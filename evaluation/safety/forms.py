"""The forms of risk from their files, one file a language: regular expressions with named parts."""

import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from pydantic import ConfigDict

from cocoon.core.jsonl import read_yaml_record
from cocoon.core.records import Language, Record
from cocoon.evaluation.questions.sentences import any_of

_PART = re.compile(r"\{([a-z_]+)\}")
_BEGINNING = re.compile(r"^((?:\\b)?(?:\{[a-z_]+\})?)")


class RiskForms(Record):
    """What a file of forms holds. `{name}` in a form stands for the part of that name.

    Without `words`, every turn is read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    parts: dict[str, str]
    words: list[str] = [""]
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


@cache
def may_be_risk(language: Language) -> re.Pattern[str]:
    """Return a pattern that every turn with words of risk matches, once it is in lower case.

    Its forms are put together by how they begin and know one case, which takes a fifth of the time of `risk_pattern`.
    """
    forms = _risk_forms(language)
    by_beginning: dict[str, list[str]] = {}
    for form in (*forms.risk, *forms.near, *forms.harm):
        _, beginning, end = _BEGINNING.split(form, maxsplit=1)
        by_beginning.setdefault(beginning, []).append(end)
    gathered = [beginning + any_of(*ends) for beginning, ends in by_beginning.items()]
    return re.compile(_with_parts(any_of(*gathered), forms.parts))


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
