"""Moves: what a supporter says at the turn where a branch begins, the content of the real reply in another form."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, get_args

from cocoon.agents.adapters import call_own, guarded_call
from cocoon.agents.protocols import SupporterView, Utterance
from cocoon.agents.writers.asking import Asker
from cocoon.core.answers import Longest, Missing, NeededLine, TypedAnswer
from cocoon.core.errors import CallFailedError
from cocoon.core.prompts import load_prompt, prompt_shas
from cocoon.core.records import AgentFacts, Language
from cocoon.evaluation.text.move_forms import MoveForm, content_problem, form_problem
from cocoon.models.client import JournaledClient

REWRITE, SAME, SILENCE = "moves/rewrite", "moves/same", "moves/silence"
Meaning = Literal["vectors", "model", "none"]
"""What checks that a rewritten reply has the content of the real one."""
REFUSED = "move"
"""The reason of a branch that is missing because its first words could not be written."""


class RewrittenReply(TypedAnswer):
    """A reply in another form."""

    reply: Annotated[NeededLine, Longest(400)]


class SameContent(TypedAnswer):
    """Whether two replies speak of the same thing."""

    same: bool | None


class Mover(Protocol):
    """Says what the supporter says at one turn. `name` is that of the move, in every table."""

    @property
    def name(self) -> str: ...

    async def write(self, client: JournaledClient, view: SupporterView, words: str) -> Utterance:
        """Return the reply that takes the place of `words`. Raises CallFailedError where there is none."""
        ...

    def facts(self) -> AgentFacts:
        """Return what manifest and report say of it."""
        ...


@dataclass(frozen=True)
class WrittenMove:
    """The content of a reply, written by a model in a form, and checked for form and meaning."""

    name: MoveForm
    asker: Asker
    meaning: Meaning = "vectors"
    languages: tuple[Language, ...] = get_args(Language)

    async def write(self, client: JournaledClient, view: SupporterView, words: str) -> Utterance:
        """Return the reply in the form. Raises CallFailedError where the model does not write it in two attempts."""

        def problem(answer: RewrittenReply) -> str | None:
            return form_problem(answer.reply, self.name, view.language) or (
                content_problem(answer.reply, words, view.language) if self.meaning == "vectors" else None
            )

        answer = await self.asker.ask(
            client, REWRITE, view.language, RewrittenReply, problem, said=view.last, words=words, move=self.name
        )
        if isinstance(answer, Missing):
            raise CallFailedError(REFUSED, f"no {self.name} with the content of the reply: {answer.reason}")
        if self.meaning == "model":
            same = await self.asker.ask(client, SAME, view.language, SameContent, first=words, second=answer.reply)
            if isinstance(same, Missing) or not same.same:
                raise CallFailedError(REFUSED, f"the {self.name} has not the content of the reply: {answer.reply}")
        return Utterance(content=answer.reply)

    def facts(self) -> AgentFacts:
        """Return the model that writes, its prompts, and how the meaning is checked."""
        names = (REWRITE, SAME) if self.meaning == "model" else (REWRITE,)
        return AgentFacts(
            name=self.name,
            kind="written",
            models={"writer": self.asker.model.label},
            prompts=prompt_shas(names, self.asker.folder, self.languages),
            settings={"meaning": self.meaning},
        )


@dataclass(frozen=True)
class SilentMove:
    """The supporter stays and says nothing."""

    folder: Path | None = None
    languages: tuple[Language, ...] = get_args(Language)
    name: str = "silence"

    async def write(self, client: JournaledClient, view: SupporterView, words: str) -> Utterance:
        """Return what stands for silence. No model is asked."""
        del client, words
        return Utterance(content=load_prompt(SILENCE, view.language, self.folder).render())

    def facts(self) -> AgentFacts:
        """Return the text that stands for silence."""
        return AgentFacts(name=self.name, kind="fixed", prompts=prompt_shas([SILENCE], self.folder, self.languages))


@dataclass(frozen=True)
class OwnMove:
    """A function of a person's own: `(view, words) -> str`, or a coroutine. Its form and meaning are its own matter."""

    name: str
    function: Callable[..., Any]
    own_facts: AgentFacts

    async def write(self, client: JournaledClient, view: SupporterView, words: str) -> Utterance:
        """Return what the function returns. Raises CallFailedError where its code fails or says nothing."""
        del client
        reply = await guarded_call(lambda: call_own(self.function, view, words), self.own_facts)
        if not isinstance(reply, str) or not reply.strip():
            raise CallFailedError(REFUSED, f"move {self.name!r} must return text, and returned {reply!r:.60}")
        return Utterance(content=reply.strip())

    def facts(self) -> AgentFacts:
        """Return its name and the file of its code."""
        return self.own_facts
