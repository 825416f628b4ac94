"""The appraiser: how the guarded user takes the supporter's last turn, in enums and integers that tell no content.

Two kinds: a model that may see the whole chain, and a deterministic rule for tests and ablation.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, get_args

from pydantic import ConfigDict, Field, WithJsonSchema

from cocoon.agents.protocols import UserView, transcript
from cocoon.core.answers import Missing, TypedAnswer, variant_of
from cocoon.core.prompts import load_prompt, prompt_shas
from cocoon.core.records import AgentFacts, Appraisal, Language, Move
from cocoon.evaluation.questions.detection import asks
from cocoon.evaluation.text.contents import share_named, without_tags
from cocoon.evaluation.text.moves import move_by_rule
from cocoon.models.by_name import Model
from cocoon.models.calls import Settings
from cocoon.models.client import JournaledClient

PROMPT, MOVES = "user/appraise", "user/moves"


class AppraisalAnswer(TypedAnswer):
    """The appraisal as the model gives it: see Appraisal. An unknown key makes it unreadable."""

    model_config = ConfigDict(extra="forbid")

    accuracy: Literal["none", "near", "accurate", "wrong"]
    pressure: Annotated[int, Field(ge=0, le=2)]
    touched: int | None = None
    asked: bool = False


class MoveAnswer(AppraisalAnswer):
    """The appraisal with the move that it was, for trust rules that see moves."""

    move: Move


@functools.cache
def appraisal_answer(nodes: int, moves: bool = False) -> type[AppraisalAnswer]:
    """Return the form of an appraisal for a chain of so many nodes. Without a chain, `touched` can only be None."""
    node: Any = Annotated[int, Field(ge=0, le=nodes - 1)]
    nothing = Annotated[None, WithJsonSchema({"anyOf": [{"type": "null"}]})]
    return variant_of(MoveAnswer if moves else AppraisalAnswer, touched=(node | None if nodes else nothing, None))


class Appraiser(Protocol):
    """Appraises the supporter's last turn."""

    async def appraise(self, client: JournaledClient, view: UserView, unlocked: Sequence[int]) -> Appraisal | None:
        """Return the appraisal, None when it could not be read."""
        ...

    def facts(self) -> AgentFacts:
        """Return its model and prompts."""
        ...


@dataclass(frozen=True)
class ModelAppraiser:
    """A model reads the profile and the dialogue and returns the appraisal as JSON (temperature 0).

    `moves` asks for the move too, under a prompt of its own, for trust rules that see moves.
    """

    model: Model
    settings: Settings = Settings(temperature=0.0, max_tokens=80)
    folder: Path | None = None
    languages: tuple[Language, ...] = get_args(Language)
    moves: bool = False

    @property
    def prompt(self) -> str:
        """The name of the prompt that it is asked with."""
        return MOVES if self.moves else PROMPT

    async def appraise(self, client: JournaledClient, view: UserView, unlocked: Sequence[int]) -> Appraisal | None:
        """Ask the model, and once more where its answer cannot be read."""
        profile, language = view.profile, view.language
        prompt = load_prompt(self.prompt, language, self.folder).fill(
            emotion=profile.emotion,
            feeling=profile.feeling,
            chain=[step.need for step in profile.chain],
            memory=[memory.text for memory in profile.memory],
            disclosed=list(unlocked),
            transcript=transcript(view.turns[:-1], language),
            last=view.last,
            conversation=transcript(view.turns, language),
        )
        answer = await client.answer(
            prompt,
            appraisal_answer(len(profile.chain), self.moves),
            model=self.model,
            settings=self.settings,
            name="appraisal",
            repair=load_prompt("judge/repair", language, self.folder),
        )
        return None if isinstance(answer, Missing) else Appraisal.model_validate(answer.model_dump())

    def facts(self) -> AgentFacts:
        """Return its model and prompts."""
        return AgentFacts(
            name=self.model.label,
            models={"appraiser": self.model.label},
            prompts=prompt_shas([self.prompt], self.folder, self.languages),
        )


# Orders of words that a question turns round stand in both orders; "you must be tired" is no pressing.
_PRESSING = re.compile(
    r"必须|一定要|快说|赶紧|别再(?:骗|装|瞒|躲|逃|找)|不许|说清楚|老实|到底|应该早"
    r"|\b(?:you must(?! (?:be|have|feel)\b)|must(?:n['’]t)? you(?! (?:be|have|feel)\b)|you have to|just tell me"
    r"|stop hiding|be honest|admit it|come on|hurry|you should(?:n['’]t)? have|shouldn['’]t you have"
    r"|should you (?:not )?have(?! (?:any|an?|the)\b))\b",
    re.IGNORECASE,
)
ACCURATE, NEAR = 0.5, 0.25


@dataclass(frozen=True)
class RuleAppraiser:
    """Deterministic appraisal by shared words: an approximation for tests and ablation, blind to paraphrase.

    It cannot tell a wrong guess from none, so `wrong` never occurs, and never says `probe`. The form of a sentence goes
    into `asked`, by the detector that counts questions in reports, and decides the move only where a turn says nothing
    of the user.
    """

    async def appraise(self, client: JournaledClient, view: UserView, unlocked: Sequence[int]) -> Appraisal | None:
        """Compare words, and ask nobody."""
        del client
        said = " ".join(turn.content for turn in view.turns if turn.role == "user")
        taken = appraise_by_rule(view.last, said, [step.need for step in view.profile.chain], unlocked)
        move = move_by_rule(view.last, said, view.language)
        if taken.accuracy == "near" and move == "open_question":
            # A question that leaves the answer open shares a common word with a wish by chance.
            taken = taken.model_copy(update={"accuracy": "none", "touched": None})
        if taken.accuracy != "none":
            move = "naming"
        return taken.model_copy(update={"move": "pressure" if taken.pressure else move})

    def facts(self) -> AgentFacts:
        """Return its name."""
        return AgentFacts(name="rule")


def appraise_by_rule(last: str, user_words: str, chain: Sequence[str], unlocked: Sequence[int]) -> Appraisal:
    """Appraise the words `last`, given all words of the user and the chain's needs. See RuleAppraiser."""
    pressure = min(2, len(_PRESSING.findall(without_tags(last))))
    is_question = asks(last)
    unsaid = [
        node
        for node in range(len(chain))
        if not (node in unlocked and share_named(user_words, chain[node]) >= ACCURATE)
    ]
    shares = {node: share_named(last, chain[node], user_words) for node in unsaid}
    best = max(shares, key=lambda node: (shares[node], node), default=None)
    if best is None or shares[best] < NEAR:
        return Appraisal(accuracy="none", pressure=pressure, asked=is_question)
    accuracy = "accurate" if shares[best] >= ACCURATE else "near"
    return Appraisal(accuracy=accuracy, pressure=pressure, touched=best, asked=is_question)
