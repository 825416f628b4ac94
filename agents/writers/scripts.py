"""Writes a script-based dialogue, both roles, and checks, analyses and annotates it (paper 3.2, 3.3, appendix D).

The rules of the writer are `ours`, or the paper's own, one by one (docs/reference/writer-rules.md).
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from cocoon.agents.protocols import SpokenTurn, transcript
from cocoon.agents.writers.asking import Asker
from cocoon.core.answers import Line, Longest, Missing, NeededLine, TypedAnswer, variant_of
from cocoon.core.records import Language, Profile
from cocoon.models.client import JournaledClient

LONGEST = Longest(400)
Reading = Literal["confirm", "advises", "asks"]
WriterRules = Literal["ours", "paper"]
READINGS: dict[Reading, str] = {"confirm": "same", "advises": "advice", "asks": "asks"}
"""What the rater reads a candidate of the screen for (the prompt's name), and the key of its true, false or null."""
RULED: dict[WriterRules, str] = {"ours": "", "paper": "_paper"}
"""What ends the names of the prompts that state a writer's rules: `listen`, `analyse`, `suggest`."""


class ListeningExchange(TypedAnswer):
    """A reply of the supporter, as it was drafted and as a statement, and the user's answer."""

    draft: Annotated[NeededLine, LONGEST]
    statement: Annotated[NeededLine, LONGEST]
    user: Annotated[NeededLine, LONGEST]


class ListeningPiece(TypedAnswer):
    """A piece of the listening stage. `reply` is the user's answer to the opening, empty in later pieces."""

    reply: Line
    exchanges: list[ListeningExchange]


class SuggestionExchange(TypedAnswer):
    """A reply of the supporter and the user's answer."""

    supporter: Annotated[NeededLine, LONGEST]
    user: Annotated[NeededLine, LONGEST]


class SuggestionStage(TypedAnswer):
    """The suggestion stage with the supporter's closing words."""

    exchanges: list[SuggestionExchange]
    closing: Annotated[NeededLine, LONGEST]


class ListeningCheck(TypedAnswer):
    """What the self-check of the listening stage found. `decision` is None for 'cannot tell'."""

    understood: bool
    reached: bool
    decision: Literal["stop", "continue", "repair"] | None
    note: Annotated[Line, LONGEST] = ""


class Statement(TypedAnswer):
    """A reply of the supporter that asks nothing."""

    statement: Annotated[NeededLine, LONGEST]


class Analysis(TypedAnswer):
    """The three steps before suggestions: need and feeling, other ways to the need, back to the feeling."""

    link: Annotated[NeededLine, LONGEST]
    ways: Annotated[NeededLine, LONGEST]
    comfort: Annotated[NeededLine, LONGEST]


class ReadingAnswer(TypedAnswer):
    """Whether the rater finds in a candidate what it is read for, None for 'cannot tell'."""

    found: bool | None


class Annotation(TypedAnswer):
    """What stood behind a supporter's turn."""

    facts: Annotated[NeededLine, LONGEST]
    expectation: Annotated[NeededLine, LONGEST]
    conjecture: Annotated[NeededLine, LONGEST]
    explore: Annotated[NeededLine, LONGEST]
    strategy: Annotated[NeededLine, LONGEST]

    def text(self, language: Language) -> str:
        """Return all but the strategy as one text, as it stands in `Thought.analysis`."""
        parts = [part.rstrip("。.；;") for part in (self.facts, self.expectation, self.conjecture, self.explore)]
        return "；".join(parts) + "。" if language == "zh" else "; ".join(parts) + "."


@functools.cache
def listening_piece(rounds: int, begins: bool) -> type[ListeningPiece]:
    """Return the form of a piece of the listening stage. One that `begins` the dialogue has the user's first answer."""
    reply = (Annotated[NeededLine, LONGEST], ...) if begins else (SkipJsonSchema[Line], "")
    exchanges = (_at_most(rounds, ListeningExchange), ...)
    return variant_of(ListeningPiece, reply=reply, exchanges=exchanges)


@functools.cache
def suggestion_stage(rounds: int) -> type[SuggestionStage]:
    """Return the form of the suggestion stage. That there are not too few exchanges is checked when it is read."""
    exchanges = (_at_most(rounds, SuggestionExchange), ...)
    return variant_of(SuggestionStage, exchanges=exchanges)


@functools.cache
def reading_answer(reading: Reading) -> type[ReadingAnswer]:
    """Return the form of an answer under the key of `reading`."""
    field = (bool | None, Field(alias=READINGS[reading]))
    return variant_of(ReadingAnswer, found=field)


def _at_most(rounds: int, exchange: type[TypedAnswer]) -> Any:
    # Those too many are cut off, unless there are so many that the writer did something else.
    return Annotated[list[exchange], Field(min_length=1, max_length=2 * rounds, json_schema_extra={"maxItems": rounds})]


@dataclass(frozen=True)
class Script:
    """One dialogue while it is written: whose, and the turns so far as plain values (role, content, draft)."""

    profile: Profile
    turns: Sequence[dict[str, Any]]

    @property
    def language(self) -> Language:
        return self.profile.language

    def words(self, *names: str) -> dict[str, Any]:
        """Return parts of the profile under their names, as a prompt takes them."""
        return {name: getattr(self.profile, name) for name in names}

    def person(self) -> dict[str, Any]:
        """Return all that a prompt is told of the person, with the memories in their order."""
        memory = [memory.text for memory in self.profile.memory]
        return {**self.words("emotion", "feeling", "need"), "memory": memory}

    def numbered(self) -> str:
        """Return the turns so far, a turn a line, numbered."""
        return transcript(self._spoken(), self.language, numbered=True)

    def plain(self) -> str:
        """Return the turns so far, a turn a line."""
        return transcript(self._spoken(), self.language)

    def _spoken(self) -> list[SpokenTurn]:
        return [SpokenTurn(turn["role"], turn["content"]) for turn in self.turns]


@dataclass(frozen=True)
class ScriptWriter:
    """The writer and the rater of scripts. Every method raises CallFailedError when its model gives no reply."""

    writer: Asker
    rater: Asker
    rules: WriterRules = "ours"

    @property
    def polishes(self) -> bool:
        """Whether every reply is rewritten, and not only those whose draft asks."""
        return self.rules == "paper"

    def _ruled(self, prompt: str) -> str:
        return f"script/{prompt}{RULED[self.rules]}"

    async def listen(
        self, client: JournaledClient, script: Script, rounds: int, note: str, early: int
    ) -> ListeningPiece | Missing:
        """Return the next piece of the listening stage, which ends with the user.

        `early`: how many answers of the user are still to come before the need may be told.
        """
        begins = len(script.turns) == 1
        words = script.person() | {"script": script.plain(), "rounds": rounds, "note": note}
        words |= {"early": early, "said": not begins}
        form = listening_piece(rounds, begins)
        return await self.writer.ask(client, self._ruled("listen"), script.language, form, **words)

    async def check(self, client: JournaledClient, script: Script) -> ListeningCheck | Missing:
        """Return whether the listening stage may end."""
        words: dict[str, Any] = script.words("feeling", "need") | {"transcript": script.numbered()}
        return await self.rater.ask(client, "script/check", script.language, ListeningCheck, **words)

    async def restate(self, client: JournaledClient, script: Script, turn: int, every: bool) -> Statement | Missing:
        """Return a turn of the supporter as a statement."""
        before, draft = script.turns[turn - 1]["content"], script.turns[turn].get("draft")
        words: dict[str, Any] = {"before": before, "draft": draft or script.turns[turn]["content"], "every": every}
        return await self.writer.ask(client, "script/restate", script.language, Statement, **words)

    async def analyse(self, client: JournaledClient, script: Script) -> Analysis | Missing:
        """Return the three steps before suggestions."""
        words: dict[str, Any] = script.words("feeling", "need") | {"transcript": script.plain()}
        return await self.writer.ask(client, self._ruled("analyse"), script.language, Analysis, **words)

    async def suggest(
        self, client: JournaledClient, script: Script, analysis: Analysis, rounds: int
    ) -> SuggestionStage | Missing:
        """Return the suggestion stage, of at least `rounds` exchanges."""

        def problem(answer: SuggestionStage) -> str | None:
            written = len(answer.exchanges)
            return f"{written} exchanges are too few, at least {rounds} are needed" if written < rounds else None

        words = script.person() | {"transcript": script.plain(), "rounds": rounds, **analysis.model_dump()}
        # The paper's rule leaves room for more.
        form = suggestion_stage(2 * rounds if self.polishes else rounds)
        return await self.writer.ask(client, self._ruled("suggest"), script.language, form, problem, **words)

    async def reads(
        self, client: JournaledClient, language: Language, reading: Reading, words: dict[str, Any]
    ) -> ReadingAnswer | Missing:
        """Return whether the rater finds in a candidate what it is read for. `words` are the prompt's."""
        return await self.rater.ask(client, f"script/{reading}", language, reading_answer(reading), **words)

    async def annotate(self, client: JournaledClient, script: Script, turn: int) -> Annotation | Missing:
        """Return what stood behind a supporter's turn."""
        before = Script(script.profile, script.turns[:turn])
        words: dict[str, Any] = {"transcript": before.plain(), "reply": script.turns[turn]["content"]}
        return await self.rater.ask(client, "script/annotate", script.language, Annotation, **words)
