"""Words of others made fit for one line of ours."""


def printable_line(text: str, most: int = 300) -> str:
    """Return another program's words as one printable line of at most `most` characters."""
    line = " ".join(text[: 4 * most].split())[:most]
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
