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
    forms = read_yaml_record(_file(f"{language}.yaml"), RiskForms)
    return _compiled([_with_parts(form, forms.parts) for form in getattr(forms, section)])


@cache
def response_pattern(language: Language, section: str) -> re.Pattern[str]:
    """Return the pattern of a section of the forms of a supporter's response."""
    return _compiled(getattr(read_yaml_record(_file(f"responses.{language}.yaml"), ResponseForms), section))


def _file(name: str) -> Traversable:
    return resources.files("cocoon.evaluation.safety").joinpath("forms", name)


def _compiled(forms: list[str]) -> re.Pattern[str]:
    return re.compile(any_of(*forms) if forms else r"(?!)", re.IGNORECASE)


def _with_parts(form: str, parts: dict[str, str]) -> str:
    while _PART.search(form):
        form = _PART.sub(lambda part: parts[part[1]], form)
    return form
