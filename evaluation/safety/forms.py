"""The forms of risk from their files, one file a language: regular expressions with named parts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import chain

from pydantic import ConfigDict

from cocoon.core.jsonl import read_yaml_record
from cocoon.core.records import Language, Record
from cocoon.evaluation.questions.sentences import any_of
from cocoon.evaluation.text.required import required_sets

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

    Only the forms are searched for, of whose required words the text has some.
    """
    some = [forms for word, forms in _forms_by_word(language) if word in text]
    return any(form.is_in(text) for form in set(chain.from_iterable(some)))


@dataclass(frozen=True, eq=False)
class _Form:
    """A form, and sets of words of each of which a text that it matches has one."""

    form: str
    words: tuple[frozenset[str], ...]

    def is_in(self, text: str) -> bool:
        has_words = all(any(word in text for word in words) for words in self.words)
        return has_words and _compiled_once(self.form).search(text) is not None


@cache
def _forms_by_word(language: Language) -> Sequence[tuple[str, Sequence[_Form]]]:
    """Return the forms of risk by each of their rarest words. What requires no word is under the empty word."""
    forms = _risk_forms(language)
    by_words: dict[tuple[frozenset[str], ...], list[str]] = {}
    for form in (*forms.risk, *forms.near, *forms.harm):
        whole = _with_parts(form, forms.parts)
        by_words.setdefault(required_sets(whole), []).append(whole)
    by_word: dict[str, list[_Form]] = {}
    for (rarest, *others), some in by_words.items():
        form = _Form(any_of(*some), tuple(others))
        for word in rarest or [""]:
            by_word.setdefault(word, []).append(form)
    return list(by_word.items())


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
