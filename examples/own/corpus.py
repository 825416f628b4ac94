"""A corpus of your own: a function that reads a file and yields dialogues.

cocoon corpus import python:examples/own/corpus.py:letters examples/own/letters.csv -o dialogues.jsonl
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import cocoon


def letters(path: Path) -> Iterator[cocoon.Dialogue]:
    """Yield a dialogue for each row: what was written, and what was answered."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            profile = cocoon.Profile(id=row["id"], language="en", feeling=row["letter"])
            turns = [
                cocoon.Turn(role="user", content=row["letter"]),
                cocoon.Turn(role="supporter", content=row["answer"]),
            ]
            yield cocoon.Dialogue(id=row["id"], profile=profile, supporter="columnist", language="en", turns=turns)
