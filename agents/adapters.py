"""Makes a role of what a user has: a class of their own, a function, a LangChain Runnable, a LangGraph graph.

A chat model needs no adapter: it becomes the model of our own supporter, user or judge.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langgraph.pregel import Pregel

from cocoon.agents.judges.ratings import make_rating
from cocoon.agents.protocols import (
    ChecksRatings,
    DescribesMemory,
    Judge,
    Memory,
    Opens,
    PublishesSteps,
    SimulatedUser,
    Step,
    Supporter,
    SupporterView,
    UserView,
    Utterance,
    steps_of,
    utterance_of,
    walk_steps,
)
from cocoon.agents.supporters.supporter import plain_opening
from cocoon.agents.users.prompted import PROMPT as PROMPTED_USER
from cocoon.core.answers import Missing
from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.core.prompts import load_prompt
from cocoon.core.records import AgentFacts, Dialogue, OwnCall, Profile, Rating, SourceFile
from cocoon.models.calls import Message
from cocoon.models.client import JournaledClient
from cocoon.models.reply import read_message, split_reply

Speak = Callable[[JournaledClient, Any], Awaitable[Utterance]]
Rate = Callable[[JournaledClient, Dialogue], Awaitable[Rating | Missing]]


@runtime_checkable
class _TellsFacts(Protocol):
    def facts(self) -> AgentFacts: ...


@runtime_checkable
class _Speaks(Protocol):
    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance: ...


@runtime_checkable
class _Responds(Protocol):
    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]: ...


@runtime_checkable
class _HasFirstMemory(Protocol):
    def first_memory(self, profile: Profile) -> Memory: ...


@runtime_checkable
class _Rates(Protocol):
    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Rating | Missing: ...


def made_by(value: object) -> object:
    """Return the agent that a class or a function without arguments makes, or the value itself."""
    if inspect.isclass(value) or (inspect.isroutine(value) and not _required(value)):
        return value()
    return value


def as_supporter(value: object, name: str, source: SourceFile) -> Supporter:
    """Return a supporter made of an agent, a function `(messages) -> str` or `(client, view) -> str`, or a graph.

    Raises CocoonError for anything else.
    """
    agent = made_by(value)
    facts = _facts(agent, name, source)
    if isinstance(agent, _Speaks):
        return OwnSupporter(name, agent, agent.speak, facts)
    speak = _speaker(agent, lambda view: view.chat())
    if speak is None:
        raise _unfit(agent, source, "a supporter", "a class with `async def speak(self, client, view)`")
    return OwnSupporter(name, agent, speak, facts)


def as_user(value: object, name: str, source: SourceFile) -> SimulatedUser:
    """Return a simulated user made of an agent, a function or a graph, as `as_supporter` does.

    A function over messages, or a graph, is shown the profile in a system message: the paper's prompt of the user.
    """
    agent = made_by(value)
    facts = _facts(agent, name, source)
    if isinstance(agent, _Responds | PublishesSteps):
        return OwnUser(agent, facts)
    speak = _speaker(agent, lambda view: view.chat(_role_prompt(view)))
    if speak is None:
        expected = "a class with `async def respond(self, client, view, memory)`"
        raise _unfit(agent, source, "a simulated user", expected)
    return OwnUser(_SpokenUser(speak), facts)


def as_judge(value: object, name: str, source: SourceFile) -> Judge:
    """Return a judge made of an agent with `rate`, or of a function of a dialogue.

    The function returns a number, a mapping of dimensions to numbers, a Rating, or None for a missing rating.
    """
    agent = made_by(value)
    facts = _facts(agent, name, source)
    scale = str(getattr(agent, "name", "") or name)
    if isinstance(agent, _Rates):
        return OwnJudge(scale, agent, agent.rate, facts)
    if callable(agent) and not isinstance(agent, Runnable):
        return OwnJudge(scale, agent, _rater(agent, scale), facts)
    raise _unfit(agent, source, "a judge", "a class with `async def rate(self, client, dialogue)`")


class _OwnAgent:
    """Python code of the user's own in one of the roles."""

    own_facts: AgentFacts

    def facts(self) -> AgentFacts:
        """Return what the agent says of itself, with its source."""
        return self.own_facts


@dataclass(frozen=True)
class OwnSupporter(_OwnAgent):
    """A supporter of the user's own."""

    name: str
    agent: object
    speaks: Speak
    own_facts: AgentFacts

    def open(self, view: SupporterView) -> str:
        """Return the agent's own first words, or the plain observation of the emotion."""
        return self.agent.open(view) if isinstance(self.agent, Opens) else plain_opening(view)

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        """Return the agent's next reply. Raises CallFailedError where its code fails or says nothing."""
        return _checked(await guarded_call(lambda: self.speaks(client, view), self.own_facts), self.own_facts)


@dataclass(frozen=True)
class OwnUser(_OwnAgent):
    """A simulated user of the user's own. What its class leaves out is added: steps, a first memory, a description."""

    agent: object
    own_facts: AgentFacts

    def first_memory(self, profile: Profile) -> Memory:
        """Return the agent's memory before the first word, None where it has none."""
        return self.agent.first_memory(profile) if isinstance(self.agent, _HasFirstMemory) else None

    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
        """Return the agent's next answer and memory. Raises CallFailedError where its code fails or says nothing."""
        agent = self.agent
        if not isinstance(agent, _Responds):
            return await walk_steps(self.steps(), client, view, memory)
        utterance, memory = await guarded_call(lambda: agent.respond(client, view, memory), self.own_facts)
        return _checked(utterance, self.own_facts), memory

    def steps(self) -> Sequence[Step]:
        """Return the steps that the agent publishes, or its whole answer as one step."""
        if isinstance(self.agent, PublishesSteps):
            return self.agent.steps()
        return steps_of(_Whole(self))

    def describe(self, memory: Memory, profile: Profile) -> str:
        """Return what may be told of the agent's inner state."""
        if isinstance(self.agent, DescribesMemory):
            return self.agent.describe(memory, profile)
        return str(memory) if memory else f"the user {self.own_facts.name!r} keeps no memory"


@dataclass(frozen=True)
class OwnJudge(_OwnAgent):
    """A judge of the user's own. `name` is the id of its scale."""

    name: str
    agent: object
    rates: Rate
    own_facts: AgentFacts

    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Rating | Missing:
        """Return the agent's rating. Raises CallFailedError where its code fails."""
        return await guarded_call(lambda: self.rates(client, dialogue), self.own_facts)

    def is_current(self, rating: Rating) -> bool:
        """Return whether a rating was made by this version of the judge's code."""
        if isinstance(self.agent, ChecksRatings):
            return self.agent.is_current(rating)
        sha = self.own_facts.source.version if self.own_facts.source else ""
        return rating.judge == self.own_facts.name and rating.prompt_sha == sha


@dataclass(frozen=True)
class _Whole:
    """A user seen without its steps."""

    user: OwnUser

    def first_memory(self, profile: Profile) -> Memory:
        return self.user.first_memory(profile)

    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
        return await self.user.respond(client, view, memory)

    def facts(self) -> AgentFacts:
        return self.user.own_facts


@dataclass(frozen=True)
class _SpokenUser:
    """A user that is a function over messages or a graph, and remembers nothing but the words."""

    speaks: Speak

    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
        del memory
        return await self.speaks(client, view), None


def _facts(agent: object, name: str, source: SourceFile) -> AgentFacts:
    own = agent.facts() if isinstance(agent, _TellsFacts) else AgentFacts(name=name)
    kind = own.kind or getattr(agent, "__name__", "") or type(agent).__name__
    return own.model_copy(update={"name": name, "kind": kind, "source": source})


def _speaker(agent: object, messages_of: Callable[[Any], list[Message]]) -> Speak | None:
    """Return how a function or a Runnable speaks, None for what is neither."""
    if isinstance(agent, Runnable):
        return lambda _, view: _invoke(agent, messages_of(view))
    if not callable(agent):
        return None
    if len(_required(agent)) >= 2:
        return lambda client, view: _spoken(agent, client, view)
    return lambda _, view: _spoken(agent, messages_of(view))


async def _spoken(function: Callable[..., Any], *arguments: object) -> Utterance:
    value = await call_own(function, *arguments)
    return value if isinstance(value, Utterance) else _said(value)


async def call_own(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function or coroutine. A plain function runs in a thread, since it may wait for a model of its own."""
    if inspect.iscoroutinefunction(function):
        return await function(*arguments)
    value = await asyncio.to_thread(function, *arguments)
    return await value if inspect.isawaitable(value) else value


async def _invoke(runnable: Runnable[Any, Any], messages: list[Message]) -> Utterance:
    """Return the last reply of a Runnable or graph over messages, with the model calls that it reports.

    A graph takes and gives `messages` in its state. What its tools said stays inside.
    """
    takes_state = isinstance(runnable, Pregel)
    if takes_state and "messages" not in runnable.channels:
        raise CallFailedError(
            "no_messages", f"the graph's state has no `messages`, it has {', '.join(runnable.channels)}"
        )
    output = await runnable.ainvoke({"messages": messages} if takes_state else messages)
    if not (isinstance(output, Mapping) and "messages" in output):
        calls = [_own_call(output)] if isinstance(output, AIMessage) and output.usage_metadata else []
        return _said(output).model_copy(update={"own_calls": calls})
    replies = [message for message in output["messages"][len(messages) :] if isinstance(message, AIMessage)]
    if not replies:
        raise CallFailedError("no_reply", "the graph ended without a reply of its own in `messages`")
    calls = [_own_call(reply) for reply in replies if reply.usage_metadata]
    return _said(replies[-1]).model_copy(update={"own_calls": calls})


def _own_call(message: AIMessage) -> OwnCall:
    usage = message.usage_metadata or {}
    return OwnCall(
        model=str(message.response_metadata.get("model_name", "")),
        tokens_in=usage.get("input_tokens"),
        tokens_out=usage.get("output_tokens"),
    )


def _said(value: object) -> Utterance:
    """Return text or a message as an utterance. The thoughts of a model are kept apart here too."""
    reply = read_message(value) if isinstance(value, AIMessage) else split_reply(_text(value))
    return utterance_of(reply, reply.speech.strip())


def _text(value: object) -> str:
    if isinstance(value, BaseMessage):
        return str(value.text).strip()
    if isinstance(value, str):
        return value.strip()
    raise CallFailedError("no_text", f"an agent must return text, and returned {type(value).__name__}")


def _rater(function: Callable[..., Any], scale: str) -> Rate:
    takes_client = len(_required(function)) >= 2

    async def rate(client: JournaledClient, dialogue: Dialogue) -> Rating | Missing:
        value = await call_own(function, *([client, dialogue] if takes_client else [dialogue]))
        if value is None:
            return Missing("the judge gave no rating")
        if isinstance(value, Rating | Missing):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float | Mapping):
            raise CallFailedError("no_rating", f"a judge must return a number, and returned {type(value).__name__}")
        dimensions = value if isinstance(value, Mapping) else {scale: float(value)}
        return make_rating(dialogue, scale, dimensions)

    return rate


def _role_prompt(view: UserView) -> str:
    profile = view.profile
    return load_prompt(PROMPTED_USER, view.language).render(
        emotion=profile.emotion,
        feeling=profile.feeling,
        need=profile.need,
        memory=[memory.text for memory in profile.memory],
        may_leave=False,
    )


def _required(function: Callable[..., Any]) -> list[str]:
    """Return the names of the positional arguments that a function cannot do without."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ["unknown"]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        parameter.name
        for parameter in parameters
        if parameter.kind in positional and parameter.default is inspect.Parameter.empty
    ]


async def guarded_call(run: Callable[[], Awaitable[Any]], facts: AgentFacts) -> Any:
    """Run an agent's code. What it raises becomes a failure of this dialogue that names the agent, not of the run."""
    try:
        return await run()
    except CocoonError:
        raise
    except Exception as error:
        file = f" ({facts.source.file})" if facts.source else ""
        raise CallFailedError("agent", f"agent {facts.name!r}{file}: {type(error).__name__}: {error}") from error


def _checked(utterance: object, facts: AgentFacts) -> Utterance:
    if isinstance(utterance, str):
        utterance = Utterance(content=utterance)
    if not isinstance(utterance, Utterance):
        kind = type(utterance).__name__
        raise CallFailedError("agent", f"agent {facts.name!r} must return an Utterance or text, and returned {kind}")
    if not utterance.content.strip():
        raise CallFailedError("empty_reply", f"agent {facts.name!r} said nothing")
    return utterance


def _unfit(agent: object, source: SourceFile, role: str, expected: str) -> CocoonError:
    return CocoonError(
        f"{source.file}: {type(agent).__name__} cannot be {role}. Give {expected}, a function of messages, a LangChain "
        "Runnable, or a LangGraph graph with `messages`."
    )
