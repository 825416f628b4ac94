"""Short transcripts of our own with labels given by hand, on which a judge of success is tested.

`judge_cases/GUIDELINE.md` says how the labels were given.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue, How, Language, Profile, Record, Role, Turn
from cocoon.evaluation.success.verdicts import find_quote

CaseTag = Literal[
    "supporter_after_reflection",
    "surface_feeling",
    "user_after_question",
    "leaked_recital",
    "supporter_after_question",
    "neighbouring_topic",
    "user_after_reflection",
    "volunteered",
    "paraphrase",
    "different_need",
    "vague_hint",
    "leaked_first_reply",
    "denied_guess",
    "opening_only",
    "someone_else",
    "injection",
    "nobody",
    "very_short",
]
TAGS: tuple[CaseTag, ...] = get_args(CaseTag)
"""In an order in which successes and failures alternate, so that the first few tags include both."""


class CaseTurn(Record):
    """One utterance of a labelled transcript."""

    role: Role
    content: str = Field(min_length=1)


class JudgeLabel(Record):
    """What a correct judge finds. `named` answers the paper's question. `turn` is None when nobody named the need.

    `quote` is the passage that names the need first. For `nobody` it is a passage that a correct judge may give as the
    nearest.
    """

    named: bool
    named_by: Literal["supporter", "user", "nobody"]
    how: How | None
    turn: int | None
    quote: str

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "JudgeLabel":
        nobody = self.named_by == "nobody"
        if (self.how is None, self.turn is None, not self.named) != (nobody, nobody, nobody):
            raise ValueError("named, how and turn must be given exactly when somebody named the need")
        return self

    @property
    def success(self) -> bool:
        """Return whether the label is a success in the attributed mode."""
        return self.how in ("after_reflection", "after_question")


class JudgeCase(Record):
    """One transcript with parts of its profile, its label, and why it was labelled so (`why`, in English)."""

    id: str
    language: Language
    case: CaseTag
    emotion: str
    feeling: str
    need: str
    turns: list[CaseTurn]
    label: JudgeLabel
    why: str

    @model_validator(mode="after")
    def _quote_stands_there(self) -> "JudgeCase":
        quoted_turns = find_quote(self.label.quote, self.dialogue().turns)
        turn = self.label.turn
        if not quoted_turns or (
            turn is not None and (turn not in quoted_turns or self.turns[turn].role != self.label.named_by)
        ):
            raise ValueError(f"quote {self.label.quote!r} is not the words of {self.label.named_by!r} at turn {turn}")
        return self

    def dialogue(self) -> Dialogue:
        """Return the transcript in the form that a judge receives."""
        profile = Profile(
            id=self.id,
            language=self.language,
            emotion=self.emotion,
            feeling=self.feeling,
            need=self.need,
            licence="Apache-2.0",
        )
        turns = [Turn(role=turn.role, content=turn.content) for turn in self.turns]
        origin: dict[str, Any] = {"supporter": "labelled", "language": self.language, "licence": "Apache-2.0"}
        return Dialogue(id=self.id, profile=profile, turns=turns, **origin)


def shipped_cases(language: Language | None = None, most: int | None = None) -> list[JudgeCase]:
    """Return the cases of the package, of one language or both.

    At most `most` cases are returned, spread over tags and languages.
    """
    languages = get_args(Language) if language is None else (language,)
    return list(_spread(case for name in languages for case in _read(name)))[:most]


def _read(language: Language) -> Iterator[JudgeCase]:
    file = resources.files("cocoon.evaluation.success") / "judge_cases" / f"{language}.jsonl"
    with resources.as_file(file) as path:
        yield from read_records(Path(path), JudgeCase)


def _spread(cases: Iterable[JudgeCase]) -> list[JudgeCase]:
    """Order the cases: first one case of every tag and language, then a second, and so on."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[int, int, JudgeCase]] = []
    for case in cases:
        ranked.append((seen[case.case, case.language], TAGS.index(case.case), case))
        seen[case.case, case.language] += 1
    return [case for _, _, case in sorted(ranked, key=lambda rank: rank[:2])]
