"""Sentences and quotations of a report, as data."""

from typing import Literal

from cocoon.core.records import Record, Role

Kind = Literal["best", "worst", "disputed"]


class QuotedTurn(Record):
    """A turn of a quoted dialogue. `pieces` are (text, whether it is the judge's evidence), and `number` is from 1."""

    number: int
    role: Role
    pieces: list[tuple[str, bool]]


class Opinion(Record):
    """What a judge said of a quoted dialogue: the outcome in words, and the reason that the judge wrote."""

    judge: str
    outcome: str
    reason: str = ""


class Excerpt(Record):
    """A dialogue of a run as a report quotes it. `turns` are those around the judge's evidence, of `total` turns.

    `why` says in words what it was chosen by. `turns` and `opinions` are empty until the dialogue has been read.
    """

    kind: Kind
    dialogue: str
    supporter: str
    why: str
    feeling: str = ""
    need: str = ""
    total: int = 0
    turns: list[QuotedTurn] = []
    opinions: list[Opinion] = []
