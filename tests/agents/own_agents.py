"""Agents of a user's own, for the tests of adapters: what somebody would write in a file beside their study."""

import asyncio
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode

from cocoon.agents.protocols import Memory, SupporterView, UserView, Utterance
from cocoon.core.records import Dialogue, Profile
from cocoon.models.calls import Message
from cocoon.models.client import JournaledClient
from cocoon.models.scripted import ScriptedChat


def echo(messages: list[Message]) -> str:
    """A supporter without a model."""
    return f"You said: {messages[-1]['content']}"


async def slow_echo(messages: list[Message]) -> str:
    await asyncio.sleep(0)
    return echo(messages)


def thinker(messages: list[Message]) -> AIMessage:
    """A supporter that gives the message of its reasoning model as it is."""
    return AIMessage(
        f"<think>Is this sad?</think>\nI read {len(messages)} lines.", response_metadata={"finish_reason": "length"}
    )


class Listener:
    """A supporter that asks a model of its own choice through the journalled client."""

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        thought = await client.reply(f"What do they feel? {view.last}", model="scripted:listener.jsonl")
        words = await client.reply(view.chat("Listen."), model="scripted:listener.jsonl")
        return Utterance(content=f"{words} ({len(thought)})")


class Warm:
    """A supporter with first words of its own."""

    def open(self, view: SupporterView) -> str:
        return f"Hello, you look {view.emotion}."

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        del client
        return Utterance(content=f"I am here, round {view.round}.")


class Counting:
    """A simulated user with a memory, that leaves after its third answer."""

    def first_memory(self, profile: Profile) -> Memory:
        return {"patience": 2, "name": profile.id}

    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
        del client
        patience = int(str((memory or {})["patience"]))
        words = f"{view.profile.feeling} ({patience})"
        return Utterance(content=words, leaves=patience == 0), {**(memory or {}), "patience": patience - 1}


class Broken:
    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        raise ValueError(f"no idea what to say in {view.language}")


def shortness(dialogue: Dialogue) -> float:
    """A judge that is a function: how short the supporter's turns are, 0 to 1."""
    lengths = [len(turn.content) for turn in dialogue.turns if turn.role == "supporter"]
    return 1 / max(1, max(lengths))


class Politeness:
    """A judge with two dimensions that asks nobody."""

    name = "politeness"

    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Any:
        from cocoon.agents.judges.ratings import make_rating

        del client
        return make_rating(dialogue, self.name, {"thanks": 3.0, "please": None}, missing={"please": "nobody asked"})


def scripted_model() -> ScriptedChat:
    return ScriptedChat(replies=["I am a chat model."])


def fake_model() -> BaseChatModel:
    """A scripted model of LangChain's own."""
    return FakeListChatModel(responses=["I am a fake."])


@tool
def look_up(feeling: str) -> str:
    """Look a feeling up."""
    return f"{feeling}: it passes"


class AgentState(TypedDict):
    messages: Annotated[list[BaseMessage], add_messages]


def react(model: BaseChatModel) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A ReAct graph with one tool: ask the model, run the tool it calls, ask again, until it answers in words."""

    async def think(state: AgentState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    async def route(state: AgentState) -> str:
        last = state["messages"][-1]
        return "tools" if isinstance(last, AIMessage) and last.tool_calls else END

    graph = StateGraph(AgentState)
    graph.add_node("think", think)
    graph.add_node("tools", ToolNode([look_up]))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", route, {"tools": "tools", END: END})
    graph.add_edge("tools", "think")
    return graph.compile()


def react_supporter() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The ReAct graph on a model that calls the tool once a turn."""
    return react(ToolUser())


class ToolUser(ScriptedChat):
    """Calls the tool first and then tells what it gave."""

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Any:
        del stop, run_manager, kwargs
        from langchain_core.outputs import ChatGeneration, ChatResult

        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        last = messages[-1]
        if isinstance(last, ToolMessage):
            message = AIMessage(content=f"I read that {last.content}.", usage_metadata=usage)
        else:
            call = {"name": "look_up", "args": {"feeling": "worry"}, "id": "1"}
            message = AIMessage(content="secret plan", tool_calls=[call], usage_metadata=usage)
        message.response_metadata = {"model_name": "tool-user"}
        return ChatResult(generations=[ChatGeneration(message=message)])
