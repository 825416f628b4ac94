"""The forms of risk from their files, two files a language: regular expressions with named parts."""

import re
from functools import cache
from importlib import resources

from pydantic import ConfigDict

from cocoon.core.records import Language, Record
from cocoon.evaluation.questions.sentences import any_of
from cocoon.evaluation.text.form_files import read_forms, with_parts
from cocoon.evaluation.text.required import RareForms

_FOLDER = resources.files("cocoon.evaluation.safety") / "forms"
SAID = ("risk", "near", "harm")
"""The sections of what is said of risk."""
DISMISSED = ("denials", "figures")
"""The sections of what only sounds like it."""


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
    return _compiled([with_parts(form, forms.parts) for form in getattr(forms, section)])


def may_be_risk(text: str, language: Language) -> bool:
    """Return whether a text in lower case matches a form of risk. This is faster than `risk_pattern`."""
    return _rare_forms(language, SAID).any_in(text)


def without_forms(text: str, language: Language, sections: tuple[str, ...]) -> str:
    """Return a text with `~` in place of whatever forms of some sections match."""
    # Most texts have none, and to search for each is slow.
    if _rare_forms(language, sections).any_in(text.lower()):
        for section in sections:
            text = risk_pattern(language, section).sub(" ~ ", text)
    return text


@cache
def _rare_forms(language: Language, sections: tuple[str, ...]) -> RareForms:
    forms = _risk_forms(language)
    return RareForms(with_parts(form, forms.parts) for section in sections for form in getattr(forms, section))


@cache
def response_forms(language: Language, section: str) -> RareForms:
    """Return a section of the forms of a supporter's response."""
    return RareForms(getattr(_response_forms(language), section))


@cache
def _risk_forms(language: Language) -> RiskForms:
    return read_forms(_FOLDER, f"{language}.yaml", f"{language}.own.yaml", kind=RiskForms)


@cache
def _response_forms(language: Language) -> ResponseForms:
    return read_forms(_FOLDER, f"responses.{language}.yaml", kind=ResponseForms)


def _compiled(forms: list[str]) -> re.Pattern[str]:
    return re.compile(any_of(*forms) if forms else r"(?!)", re.IGNORECASE)
