"""Text of others made safe for a terminal."""

import unicodedata


def printable(text: str) -> str:
    """The text with control and direction marks shown as `\\x1b`: what a file or a model says must steer no terminal.

    Line breaks and tabs stay.
    """
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    # Zero-width joiners and variation selectors build emoji and scripts; direction overrides only deceive.
    if unicodedata.category(character) == "Cf" and unicodedata.bidirectional(character) in ("BN", "L", "R", "AL"):
        return character
    return " " if unicodedata.category(character) == "Zs" else character.encode("unicode_escape").decode()
