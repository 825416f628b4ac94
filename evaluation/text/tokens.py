"""Text -> tokens, one rule for Chinese and English that needs no dictionary.

Chinese is cut character by character, like the `zh` tokeniser of sacrebleu, because word boundaries would depend on the
lexicon of a segmenter.
"""

import re
from collections.abc import Iterator, Sequence

TOKENISATION = (
    "lower-cased; a token is one Chinese character, one run of other letters or digits (inner apostrophes belong to "
    "it), or one punctuation mark"
)
_IDEOGRAPHS = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTERS = rf"[^\W_{_IDEOGRAPHS}]+"
_TOKEN = re.compile(rf"[{_IDEOGRAPHS}]|{_LETTERS}(?:['’]{_LETTERS})*|[^\w\s]|_")


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, lower-cased, in order, by the rule in `TOKENISATION`."""
    return _TOKEN.findall(text.lower())


def words_of(text: str) -> list[str]:
    """Return the tokens of a text that are no punctuation marks, in order."""
    return [token for token in tokens(text) if token[0].isalnum()]


def count_tokens(text: str) -> int:
    """Count the tokens of a text."""
    return len(_TOKEN.findall(text))


def count_characters(text: str) -> int:
    """Count the characters of a text without white space."""
    return sum(map(len, text.split()))


def ngrams(some: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Return every run of `n` tokens, in order."""
    return zip(*(some[start:] for start in range(n)), strict=False)
