"""Text -> sentences, Chinese and English, without a loss: the sentences are the text, cut and trimmed."""

import re
from collections.abc import Iterator, Mapping, Sequence

from cocoon.core.records import Language
from cocoon.core.text import language_by_script

_QUOTES = re.compile(r"“[^”\n]*”|\"[^\"\n]*\"|「[^」\n]*」|『[^』\n]*』|‘[^’\n]*’(?=[，。！？；\s]|$)")
_ONLY_A_QUOTE = re.compile(r"\s*(?:“([^“”\n]*)”|\"([^\"\n]*)\"|「([^「」\n]*)」)\s*")
_ENDS = re.compile(r"(?P<mark>[。！？!?．]+[。！？!?…]*|\.{2,}|…+|\.)(?P<close>[”\"’'」』）)\]】*]*)|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|e\.g|i\.e|approx|no|fig|dept)|(?<![\w'’])[a-z](?:\.[a-z])*)$", re.IGNORECASE
)
_NOT_AN_INITIAL = re.compile(r"(?<![.\w])[iI]$")
_GAP = re.compile(r"(?<=[\u4e00-\u9fff])[ \t\u3000]+(?=[\u4e00-\u9fff])")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"\w")
# Above this share of gaps among Han characters the text is segmented into words, and a gap does not end a sentence.
_SEGMENTED = 0.2
_NEAR = 80
"""Characters on each side of a mark that decide whether it ends a sentence."""


def any_of(*parts: str) -> str:
    """Return one pattern that matches any of the patterns."""
    return f"(?:{'|'.join(parts)})"


def compiled(forms: Mapping[Language, Sequence[str]]) -> dict[Language, re.Pattern[str]]:
    """Return one pattern per language that matches any of its forms, in upper or lower case."""
    return {language: re.compile(any_of(*patterns), re.IGNORECASE) for language, patterns in forms.items()}


def sentences(text: str, language: Language | None = None) -> list[str]:
    """Return the sentences of a text, trimmed, none of them empty.

    Joined, they are the text except for white space. Nothing is cut inside quotation marks. A piece without any letter
    (a single mark, an emoji) belongs to the sentence before it. Without a `language` (None), the script decides.
    """
    language = language or language_by_script(text)
    pieces: list[str] = []
    start = 0
    for end in [*_boundaries(text, language), len(text)]:
        piece = text[start:end].strip()
        start = end
        if piece and pieces and not _WORD.search(piece):
            pieces[-1] += piece
        elif piece:
            pieces.append(piece)
    return pieces


def without_quotes(sentence: str) -> str:
    """Return the sentence with its quotations emptied, because what somebody else said is not asked here.

    A sentence that is nothing but one quotation becomes its content.
    """
    quotation = _ONLY_A_QUOTE.fullmatch(sentence)
    return next(filter(None, quotation.groups()), "") if quotation else _QUOTES.sub("“”", sentence)


def _boundaries(text: str, language: Language) -> list[int]:
    quoted = [] if language == "en" and text.count('"') % 2 else list(_quoted_spans(text))
    ends = [
        match.end()
        for match in _ENDS.finditer(text)
        if not any(start < match.end() < end for start, end in quoted) and _ends_sentence(text, match, language)
    ]
    return sorted({*ends, *_gaps(text)}) if language == "zh" else ends


def _quoted_spans(text: str) -> Iterator[tuple[int, int]]:
    for match in _QUOTES.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        line_end = text.find("\n", match.end())
        line = text[line_start : line_end if line_end >= 0 else len(text)]
        if line.strip() != match.group():
            yield match.span()


def _gaps(text: str) -> list[int]:
    gaps = [match.end() for match in _GAP.finditer(text)]
    return gaps if len(gaps) <= _SEGMENTED * len(_HAN.findall(text)) else []


def _ends_sentence(text: str, match: re.Match[str], language: Language) -> bool:
    mark, after = match["mark"], text[match.end() : match.end() + _NEAR]
    if mark is None or not after.strip():
        return True
    if match["close"] and set(match["close"]) & set("”\"’'」』"):
        return _new_start(after, language)
    if mark == ".":
        return _full_stop(text[max(0, match.start() - _NEAR) : match.start()], after)
    if set(mark) <= set(".…"):
        return _ellipsis_ends(after, language)
    return after.lstrip()[0] not in ",，、;；:："


def _new_start(after: str, language: Language) -> bool:
    """Return whether a new sentence, and not `he asked`, follows a closing quotation mark."""
    return language == "en" and after[0].isspace() and after.lstrip()[0].isupper()


def _full_stop(before: str, after: str) -> bool:
    if _ABBREVIATION.search(before) and not _NOT_AN_INITIAL.search(before):
        return "\n" in after[: len(after) - len(after.lstrip())]
    return after[0].isspace() or bool(re.match(r"[A-Z][a-z']|[\u4e00-\u9fff]", after) and before[-1:].isalpha())


def _ellipsis_ends(after: str, language: Language) -> bool:
    if language == "zh":
        return after[0].isspace()
    return after[0].isspace() and bool(re.match(r"\s+(?!I\b)[A-Z\"“]", after))
