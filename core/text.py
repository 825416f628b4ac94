"""Facts of a text from elsewhere: its language by its script, and one printable line of it."""

import re

from cocoon.core.records import Language

_HAN = re.compile(r"[\u3400-\u9fff]")


def printable_line(text: str, most: int = 300) -> str:
    """Return another program's words as one printable line of at most `most` characters."""
    line = " ".join(text[: 4 * most].split())[:most]
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def plain_name(name: str) -> str:
    """Return a name without capitals, spaces and punctuation, by which spellings of one name are compared."""
    return "".join(character for character in name.casefold() if character.isalnum())


def language_by_script(text: str) -> Language:
    """Return `zh` where at least a tenth of the letters are Han, else `en`."""
    letters = sum(letter.isalpha() for letter in text)
    return "zh" if letters and 10 * len(_HAN.findall(text)) >= letters else "en"
