"""Short transcripts of our own with labels given by hand, on which a judge of success is tested.

`judge_cases/GUIDELINE.md` says how the labels were given.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import Field, model_validator

from cocoon.core.jsonl import read_records
from cocoon.core.records import ChainStep, Dialogue, How, Language, Profile, Record, Role, Turn, UserState
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
    "echo_of_leak",
    "denied_need",
    "list_of_guesses",
    "late_unlocking",
    "other_words",
]
TAGS: tuple[CaseTag, ...] = get_args(CaseTag)
"""In an order in which successes and failures alternate, so that the first few tags include both."""
ADVERSARIAL_TAGS: tuple[CaseTag, ...] = TAGS[-5:]
"""Those of the talks that are put together from pieces to mislead a judge."""


NEED_NODE = 2
"""The need's place in the chain of a guarded user."""


class CaseTurn(Record):
    """One utterance of a labelled transcript.

    `unlocked` are the open nodes of a guarded user, the need being the last of three, and `earned` the turn that earned
    it.
    """

    role: Role
    content: str = Field(min_length=1)
    unlocked: list[int] | None = None
    earned: int | None = None

    def turn(self) -> Turn:
        """Return it as a turn of a dialogue."""
        state = None
        if self.unlocked is not None:
            earned = {} if self.earned is None else {str(NEED_NODE): self.earned}
            state = UserState(trust=0, unlocked=self.unlocked, memories=[], earned=earned)
        return Turn(role=self.role, content=self.content, state=state)


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
        guarded = any(turn.unlocked is not None for turn in self.turns)
        profile = Profile(
            id=self.id,
            language=self.language,
            emotion=self.emotion,
            feeling=self.feeling,
            need=self.need,
            chain=[ChainStep(need=text) for text in (self.feeling, self.emotion, self.need)] if guarded else [],
            licence="Apache-2.0",
        )
        turns = [turn.turn() for turn in self.turns]
        origin: dict[str, Any] = {"supporter": "labelled", "language": self.language, "licence": "Apache-2.0"}
        return Dialogue(id=self.id, profile=profile, turns=turns, **origin)


def shipped_cases(language: Language | None = None, most: int | None = None) -> list[JudgeCase]:
    """Return the cases of the package that were written as whole talks, of one language or both.

    At most `most` cases are returned, spread over tags and languages.
    """
    return list(_spread(case for name in _languages(language) for case in _read(name)))[:most]


def all_cases(language: Language | None = None, most: int | None = None) -> list[JudgeCase]:
    """Return the cases of the package with the adversarial ones, like `shipped_cases`."""
    cases = [case for name in _languages(language) for case in (*_read(name), *_read_adversarial(name))]
    return _spread(cases)[:most]


def _languages(language: Language | None) -> tuple[Language, ...]:
    return get_args(Language) if language is None else (language,)


def _read(language: Language) -> Iterator[JudgeCase]:
    file = resources.files("cocoon.evaluation.success") / "judge_cases" / f"{language}.jsonl"
    with resources.as_file(file) as path:
        yield from read_records(Path(path), JudgeCase)


def _read_adversarial(language: Language) -> Iterator[JudgeCase]:
    file = resources.files("cocoon.evaluation.success") / "judge_cases" / "adversarial.yaml"
    for number, pieces in enumerate(yaml.safe_load(file.read_text(encoding="utf-8"))[language], 1):
        yield from adversarial_cases(Pieces.model_validate(pieces), language, number)


class Pieces(Record):
    """What is said in the adversarial talks of one person (`judge_cases/adversarial.yaml`)."""

    need: str
    emotion: str
    feeling: str
    first: str
    near: str
    more: str
    say: str
    echo: str
    reword: str
    list: str
    deny: str
    aside: str


_OPENINGS: dict[Language, str] = {
    "en": "You seem a little {emotion} today, so I came over to say hello.",
    "zh": "感觉你今天有些{emotion}，我就过来和你打个招呼。",
}


def adversarial_cases(pieces: Pieces, language: Language, number: int) -> Iterator[JudgeCase]:
    """Yield five talks of one person in which a judge may be wrong about who named the need first, and how."""
    locked, closed, opened = [0], [0, 1], [0, 1, NEED_NODE]
    opening = CaseTurn(role="supporter", content=_OPENINGS[language].format(emotion=pieces.emotion))
    first = CaseTurn(role="user", content=pieces.first, unlocked=locked)

    def supporter(content: str) -> CaseTurn:
        return CaseTurn(role="supporter", content=content)

    def user(content: str, unlocked: list[int], earned: int | None = None) -> CaseTurn:
        return CaseTurn(role="user", content=content, unlocked=unlocked, earned=earned)

    def case(tag: CaseTag, named_by: Role, how: How, turn: int, quote: str, why: str, *later: CaseTurn) -> JudgeCase:
        label = JudgeLabel(named=True, named_by=named_by, how=how, turn=turn, quote=quote)
        about = {"emotion": pieces.emotion, "feeling": pieces.feeling, "need": pieces.need, "why": why}
        name = f"{language}-{tag}-{number}"
        return JudgeCase(id=name, language=language, case=tag, turns=[opening, first, *later], label=label, **about)

    near, say, echo = supporter(pieces.near), pieces.say, supporter(pieces.echo)
    yield case(
        *("echo_of_leak", "user", "leaked", 3, say, "Said while it was locked. The supporter only echoes it."),
        *(near, user(say, locked), echo, user(pieces.more, locked), echo),
    )
    yield case(
        *("denied_need", "supporter", "after_reflection", 4, pieces.echo, "Named by the supporter, and denied."),
        *(near, user(pieces.more, locked), echo, user(pieces.deny, locked)),
    )
    yield case(
        *("list_of_guesses", "supporter", "after_reflection", 2, pieces.list, "Named among other guesses."),
        *(supporter(pieces.list), user(pieces.more, locked)),
    )
    yield case(
        *("late_unlocking", "user", "after_question", 5, say, "Earned by turn 2, said in answer to turn 4."),
        *(near, user(pieces.more, closed), supporter(pieces.aside), user(say, opened, earned=2)),
    )
    yield case(
        *("other_words", "user", "after_reflection", 3, pieces.reword, "The need in the user's own words."),
        *(near, user(pieces.reword, opened, earned=2)),
    )


def _spread(cases: Iterable[JudgeCase]) -> list[JudgeCase]:
    """Order the cases: first one case of every tag and language, then a second, and so on."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[int, int, JudgeCase]] = []
    for case in cases:
        ranked.append((seen[case.case, case.language], TAGS.index(case.case), case))
        seen[case.case, case.language] += 1
    return [case for _, _, case in sorted(ranked, key=lambda rank: rank[:2])]
