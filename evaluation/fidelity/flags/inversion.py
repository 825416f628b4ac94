"""Role inversion: the user listens to, comforts, reads or advises the supporter."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pydantic import ConfigDict

from cocoon.core.records import Language, Record
from cocoon.evaluation.questions.sentences import any_of, sentences, without_quotes
from cocoon.evaluation.text.form_files import read_forms, with_parts
from cocoon.evaluation.text.required import RareForms

_FOLDER = resources.files("cocoon.evaluation.fidelity.flags")
# Shorthand of messages, written out.
_SHORT = {
    "u": "you",
    "ur": "your",
    "r": "are",
    "dont": "don't",
    "im": "i'm",
    "youre": "you're",
    "hows": "how's",
    "whats": "what's",
    "thats": "that's",
}
_SHORTHAND = re.compile(rf"\b(?:{'|'.join(_SHORT)})\b(?!')")
_ALIKE = str.maketrans("您,!?;:", "你，！？；：")


class InversionForms(Record):
    """What a file of forms holds. `{name}` in a form stands for the part of that name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parts: dict[str, str]
    listening: list[str]
    asking: list[str]
    reading: list[str]
    comforting: list[str]
    advising: list[str]
    care: list[str]
    own: list[str]
    reported: list[str]
    echoed: list[str]
    announced: list[str]


@dataclass(frozen=True, eq=False)
class _Forms:
    """The forms of a language: what inverts the roles anywhere, and where the speaker is not spoken of, and the rest.

    `care` is advice that speakers give to themselves as well. What others say to the speaker (`reported`, after
    `announced`) and what the speaker says to others is no advice to the supporter, nor is what is `echoed`.
    """

    inverted: RareForms
    care: RareForms
    own: re.Pattern[str]
    reported: re.Pattern[str]
    echoed: re.Pattern[str]
    announced: re.Pattern[str]


def inverts_roles(text: str, language: Language) -> bool:
    """Return whether the user does the supporter's work. What the user reports of others does not count."""
    forms = _forms(language)
    plain = text.replace("’", "'")
    lowered = _written_out(plain, language)
    inverted, care = list(forms.inverted.in_text(lowered)), list(forms.care.in_text(lowered))
    # Most turns have neither.
    if not (inverted or care):
        return False
    if care and forms.echoed.search(lowered):
        care = []
    return any(
        any(form.is_in(sentence) for form in inverted)
        or (any(form.is_in(sentence) for form in care) and not forms.own.search(sentence))
        for sentence in _own_sentences(plain, language)
    )


def _own_sentences(plain: str, language: Language) -> Iterator[str]:
    """Yield the sentences that are the speaker's own, in lower case, with their quotations emptied."""
    forms = _forms(language)
    announced = False
    for sentence in sentences(plain, language):
        said = _written_out(without_quotes(sentence), language)
        if not announced and not forms.reported.search(said):
            yield said
        announced = forms.announced.search(said) is not None


def _written_out(text: str, language: Language) -> str:
    """Return a text in lower case, without shorthand, and in Chinese with one `you` and one kind of marks."""
    if language == "zh":
        return text.lower().translate(_ALIKE)
    return _SHORTHAND.sub(lambda match: _SHORT[match.group()], text.lower())


@cache
def _forms(language: Language) -> _Forms:
    read = read_forms(_FOLDER, f"inversion.{language}.yaml", kind=InversionForms)
    anywhere = (*read.listening, *read.asking, *read.reading, *read.comforting, *read.advising)

    def whole(forms: Sequence[str]) -> list[str]:
        return [with_parts(form, read.parts) for form in forms]

    def compiled(forms: Sequence[str]) -> re.Pattern[str]:
        return re.compile(any_of(*whole(forms)))

    return _Forms(
        inverted=RareForms(whole(anywhere)),
        care=RareForms(whole(read.care)),
        own=compiled(read.own),
        reported=compiled(read.reported),
        echoed=compiled(read.echoed),
        announced=compiled(read.announced),
    )
