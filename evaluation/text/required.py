"""Which words a regular expression cannot do without: a text that has none of them need not be searched.

It reads what the files of forms are written in: literal characters, classes, groups, quantifiers and looking around.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, cached_property
from operator import itemgetter

from ahocorasick import Automaton

_TOKEN = re.compile(
    r"(?P<quantifier>(?:[*+?]|\{\d*,?\d*\})\??)|\((?:\?:)?(?P<words>[\w '-]+(?:\|[\w '-]+)*)\)"
    r"|(?P<open>\((?:\?(?:[:=!]|<[=!]|P<\w+>))?)|(?P<close>\))|(?P<bar>\|)|(?P<plain>[\w '-]+)"
    r"|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.",
    re.DOTALL,
)
_WORD = itemgetter(1)
"""Of what an automaton finds: all but where it ends."""
_MAY_BE_ABSENT = re.compile(r"[*?]|\{0?[,}]")
_LOOKS_AROUND = ("(?!", "(?<=", "(?<!")
"""What is looked for elsewhere than ahead may stand outside of the text, or must be missing from it."""
_COMMON = frozenset(
    re.findall(
        r"\S+",
        "a all and any be can day every feel for going had have he her him his i if in is it life me my not of on one "
        "or our she should so some that the there they this to up want was way we what will with you your "
        "about again at back been before being but by can't don't down even from get getting go goes gone got her "
        "here how i'm into it's just know let like live look made make many more most myself never nobody now off old "
        "only other out of over own people put really said say says see self side still take talk tell than their them "
        "then thing think time today took too try under until us very well went were when where who why would yourself "
        "我 你 他 她 们 的 了 不 是 有 在 想 自己 没有 不想 觉得 这样 我们 今天 现在",
    )
)
"""Words that are in most texts, so that looking for them first saves nothing."""


class RareForm:
    """A form that few texts match: it is searched for where its required words are. `form` is in lower case."""

    def __init__(self, form: str) -> None:
        self._form = form
        self.rarest, *self._others = required_sets(form)

    @property
    def words(self) -> frozenset[str]:
        """Return all words of which some must be in a text."""
        return self.rarest.union(*self._others)

    def is_in(self, text: str) -> bool:
        """Return whether a text in lower case matches the form."""
        required = (self.rarest, *self._others) if self.rarest else self._others
        return all(any(word in text for word in words) for words in required) and self._search(text)

    def completes(self, text: str, found: AbstractSet[str]) -> bool:
        """Return whether a text that has one of the `rarest` words matches the form. `found`: the words that it has."""
        # A loop is faster than a generator, and most forms end here.
        for words in self._others:
            if found.isdisjoint(words):
                return False
        return self._search(text)

    def _search(self, text: str) -> bool:
        return self._pattern.search(text) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self._form)


class RareForms:
    """Many forms at once, each of which few texts match: all words that they require are looked for together."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = list(forms)

    def in_text(self, text: str) -> Iterator[RareForm]:
        """Yield the forms that a text in lower case matches, each once."""
        by_word, words = self._index
        found = set(map(_WORD, words.iter(text))) if words else set[str]()
        candidates = {form: None for word in ("", *(by_word.keys() & found)) for form in by_word.get(word, ())}
        return (form for form in candidates if form.completes(text, found))

    def any_in(self, text: str) -> bool:
        """Return whether a text in lower case matches one of the forms."""
        return next(self.in_text(text), None) is not None

    @cached_property
    def _index(self) -> tuple[dict[str, list[RareForm]], Automaton]:
        """The forms by each of their rarest words, and what looks for all words.

        A form that requires no word is under the empty word.
        """
        by_word: dict[str, list[RareForm]] = {}
        words = Automaton()
        for form in map(RareForm, self._forms):
            for word in form.rarest or [""]:
                by_word.setdefault(word, []).append(form)
            for word in form.words:
                words.add_word(word, word)
        words.make_automaton()
        return by_word, words


def required_sets(form: str) -> tuple[frozenset[str], ...]:
    """Return sets of words (pieces of text): every match of a form has one word of each.

    The first has the rarest words, and none where that cannot be told. Sets with a single character, which nearly every
    text has, are left out after the first.
    """
    sets = _sets_of(_parsed(form))
    rarest = _rarest(sets)
    others = (words for words in dict.fromkeys(sets) if words and words != rarest)
    return rarest, *(words for words in others if min(map(len, words)) > 1)


def _rarest(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return max(sets, key=_rarity, default=frozenset())


@cache
def _rarity(words: frozenset[str]) -> tuple[bool, int, int]:
    is_rare = not any(word.strip() in _COMMON or (word.isascii() and len(word) < 3) for word in words)
    return is_rare and bool(words), min(map(len, words), default=0), -len(words)


def _sets_of(alternatives: "_Alternatives") -> list[frozenset[str]]:
    """Return sets of words: every match has one word of each of them."""
    if len(alternatives) > 1:
        of_each = [_rarest(_sets_of([pieces])) for pieces in alternatives]
        return [frozenset().union(*of_each)] if all(of_each) else []
    return [_words_of(piece.what) for piece in alternatives[0] if piece.what and not piece.may_be_absent]


def _words_of(what: "_Content") -> frozenset[str]:
    if isinstance(what, frozenset):
        return what
    return frozenset([what]) if isinstance(what, str) else _rarest(_sets_of(what))


@dataclass(slots=True)
class _Piece:
    """A piece of a form: characters, words to choose from, the alternatives of a group, or nothing for what is else."""

    what: "_Content"
    may_be_absent: bool = False


_Alternatives = list[list[_Piece]]
_Content = str | frozenset[str] | _Alternatives


def _parsed(form: str) -> _Alternatives:
    """Return a form as alternatives of pieces."""
    groups: list[_Alternatives] = [[[]]]
    opened: list[str] = []
    for token in _TOKEN.finditer(form):
        pieces = groups[-1][-1]
        match token.lastgroup:
            case "plain":
                pieces.append(_Piece(token[0]))
            case "words":
                pieces.append(_Piece(_choice(token["words"])))
            case "quantifier":
                _quantify(pieces, token[0])
            case "open":
                groups.append([[]])
                opened.append(token[0])
            case "close":
                inside = groups.pop()
                groups[-1][-1].append(_Piece("" if opened.pop() in _LOOKS_AROUND else inside))
            case "bar":
                groups[-1].append([])
            case _:
                pieces.append(_Piece(""))
    return groups[0]


# The same words stand in many forms.
@cache
def _choice(words: str) -> frozenset[str]:
    return frozenset(words.split("|"))


def _quantify(pieces: list[_Piece], quantifier: str) -> None:
    """Apply a quantifier to the last piece, or to the last of its characters."""
    last = pieces[-1]
    if isinstance(last.what, str) and len(last.what) > 1:
        last.what, character = last.what[:-1], last.what[-1]
        pieces.append(last := _Piece(character))
    last.may_be_absent = _MAY_BE_ABSENT.match(quantifier) is not None
