"""Which words a regular expression cannot do without: a text that has none of them need not be searched.

It reads what the files of forms are written in: literal characters, classes, groups, quantifiers and looking around.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

_PLAIN = re.compile(r"[\w '-]")
_QUANTIFIER = re.compile(r"[*+?]\??|\{\d*,?\d*\}")
_MAY_BE_ABSENT = re.compile(r"[*?]|\{0?[,}]")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_GROUP = re.compile(r"\((?:\?(?::|=|P<\w+>))?")
_LOOKS_AROUND = ("(?!", "(?<=", "(?<!")
"""What is looked for elsewhere than ahead may stand outside of the text, or must be missing from it."""
_COMMON = frozenset(
    re.findall(
        r"\S+",
        "a all and any be can day every feel for going had have he her him his i if in is it life me my not of on one "
        "or our she should so some that the there they this to up want was way we what will with you your "
        "我 你 他 她 们 的 了 不 是 有 在 想 自己 没有 不想 觉得 这样 我们 今天 现在",
    )
)
"""Words that are in most texts, so that looking for them first saves nothing."""


class RareForm:
    """A form that few texts match: it is searched for where one of its required words is. `form` is in lower case."""

    def __init__(self, form: str) -> None:
        self._words = required_words(form)
        self._pattern = re.compile(form)

    def is_in(self, text: str) -> bool:
        """Return whether a text in lower case matches the form."""
        has_words = not self._words or any(word in text for word in self._words)
        return has_words and self._pattern.search(text) is not None


@cache
def required_words(form: str) -> frozenset[str]:
    """Return words (pieces of text) one of which is in every match of a form, none where that cannot be told."""
    return _rarest(_required(form))


def required_sets(form: str) -> tuple[frozenset[str], ...]:
    """Return sets of words: every match of a form has one word of each. The first is `required_words`.

    Sets with a single character, which nearly every text has, are left out after the first.
    """
    sets = list(_required(form))
    rarest = _rarest(sets)
    others = (words for words in dict.fromkeys(sets) if words and words != rarest)
    return rarest, *(words for words in others if min(map(len, words)) > 1)


def _rarest(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return max(sets, key=_rarity, default=frozenset())


def _rarity(words: frozenset[str]) -> tuple[bool, int, int]:
    is_rare = not any(word.strip() in _COMMON for word in words)
    return is_rare and bool(words), min(map(len, words), default=0), -len(words)


def _required(form: str) -> Iterator[frozenset[str]]:
    """Yield sets of words: every match has one word of each of them."""
    atoms = list(_atoms(form))
    if ("|", "") in atoms:
        of_each = [required_words(alternative) for alternative in _alternatives(atoms)]
        if all(of_each):
            yield frozenset().union(*of_each)
        return
    run = ""
    for atom, quantifier in atoms:
        if _PLAIN.fullmatch(atom) and not quantifier:
            run += atom
            continue
        if run:
            yield frozenset([run])
        run = ""
        if not _MAY_BE_ABSENT.match(quantifier):
            if _PLAIN.fullmatch(atom):
                yield frozenset([atom])
            elif atom.startswith("(") and not atom.startswith(_LOOKS_AROUND):
                yield required_words(atom[_match_end(_GROUP, atom, 0) : -1])
    if run:
        yield frozenset([run])


def _alternatives(atoms: list[tuple[str, str]]) -> list[str]:
    found = [""]
    for atom, quantifier in atoms:
        if atom == "|":
            found.append("")
        else:
            found[-1] += atom + quantifier
    return found


def _atoms(form: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a form with their quantifiers: a character, an escape, a class or a whole group."""
    start = 0
    while start < len(form):
        end = _atom_end(form, start)
        after = _match_end(_QUANTIFIER, form, end)
        yield form[start:end], form[end:after]
        start = after


def _atom_end(form: str, start: int) -> int:
    if form[start] == "\\":
        return start + 2
    if form[start] == "[":
        return _match_end(_CLASS, form, start)
    if form[start] != "(":
        return start + 1
    end = start + 1
    while form[end] != ")":
        end = _atom_end(form, end)
    return end + 1


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start
