"""The profile graph (paper 3.1, C.1, C.2): from a scenario and an emotion to a profile, or to the reason for none.

    propose_need -> deepen_need -> rate_difficulty -(deeper)-> deepen_need ...
                                                   -(stop)-> feel -> recall -> validate -> read_sense

Every node may end in `drop`, with the reason.
"""

import operator
import random
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from cocoon.agents.judges.sense import SenseJudge
from cocoon.agents.writers.profile_checks import profile_problem
from cocoon.agents.writers.profiles import DifficultyAnswer, PersonDraft, ProfileWriter, memory_plan
from cocoon.core.answers import Missing
from cocoon.core.records import ChainStep, Language, Memory, Profile, Record
from cocoon.graphs.context import ContextOf, bound, report_calls
from cocoon.graphs.edges import add_nodes, add_steps
from cocoon.graphs.sense import read_sense
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place

SOURCE = "cocoon profiles build"
UNNAMED = "profile"
"""The id of a profile for which none is given."""


@dataclass(frozen=True)
class ProfileContext:
    """Who writes and rates, and the rules: the greatest length of a chain, how many memories.

    `sense` is the judge that reads the whole, or None.
    """

    caller: Caller
    agent: ProfileWriter
    longest_chain: int = 3
    keep_shallow: bool = True
    memories: tuple[int, int] = (6, 8)
    sense: SenseJudge | None = None


class ProfileInput(Record):
    """What a profile is built from."""

    scenario: str = Field(min_length=1, description="an area of life, such as Study")
    emotion: str = Field(min_length=1, description="an emotion, such as anxious")
    language: Language = Field(default="en", description="zh or en")
    item: str = Field(default=UNNAMED, min_length=1, description="the id that the profile will have")
    seeds: list[str] = Field(default=[], description="needs that the proposed one should not repeat")


class ProfileState(TypedDict, total=False):
    """One profile while it is built. `drop` holds the reason and detail once it cannot be kept."""

    item: str
    language: Literal["zh", "en"]
    scenario: str
    emotion: str
    seeds: list[str]
    chain: list[dict[str, Any]]
    feeling: str
    profile: dict[str, Any]
    drop: dict[str, str]
    calls: Annotated[list[str], operator.add]


Context = Runtime[ProfileContext]


def _person(state: ProfileState) -> PersonDraft:
    return PersonDraft(
        state.get("item", UNNAMED),
        state.get("language", "en"),
        state.get("scenario", ""),
        state.get("emotion", ""),
        [step["need"] for step in state.get("chain", [])],
    )


def _client(state: ProfileState, runtime: Context, node: str, ordinal: int = 0) -> JournaledClient:
    return JournaledClient(runtime.context.caller, Place(state.get("item", ""), node, ordinal))


def dropped(node: str, reason: str, detail: str) -> dict[str, str]:
    """Return where and why an item is not kept."""
    return {"node": node, "reason": reason, "detail": detail}


def unreadable(node: str, answer: Missing) -> dict[str, str]:
    """Return where and why an item is not kept whose answer could not be had."""
    return dropped(node, "unreadable", answer.reason)


async def propose_need(state: ProfileState, runtime: Context) -> ProfileState:
    """A surface need, unlike the seeds."""
    client = _client(state, runtime, "propose_need")
    answer = await runtime.context.agent.propose(client, _person(state), state.get("seeds", []))
    calls = report_calls(runtime, "propose_need", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("propose_need", answer), "calls": calls}
    return {"chain": [ChainStep(need=answer.need).model_dump(mode="json")], "calls": calls}


async def deepen_need(state: ProfileState, runtime: Context) -> ProfileState:
    """The need behind the last one."""
    chain = state.get("chain", [])
    client = _client(state, runtime, "deepen_need", len(chain))
    answer = await runtime.context.agent.deepen(client, _person(state))
    calls = report_calls(runtime, "deepen_need", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("deepen_need", answer), "calls": calls}
    return {"chain": [*chain, ChainStep(need=answer.need).model_dump(mode="json")], "calls": calls}


async def rate_difficulty(state: ProfileState, runtime: Context) -> ProfileState:
    """How far the last need is from the initial one, 1 to 5."""
    *before, last = state.get("chain", [])
    client = _client(state, runtime, "rate_difficulty", len(before) + 1)
    answer = await runtime.context.agent.rate(client, _person(state))
    calls = report_calls(runtime, "rate_difficulty", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("rate_difficulty", answer), "calls": calls}
    rated = {**last, "difficulty": answer.difficulty, "reason": answer.reason}
    update: ProfileState = {"chain": [*before, rated], "calls": calls}
    if reason := _verdict(answer, len(before) + 1, runtime.context):
        update["drop"] = reason
    return update


def _verdict(rated: DifficultyAnswer, length: int, context: ProfileContext) -> dict[str, str] | None:
    difficulty = rated.difficulty
    if difficulty is None:
        return dropped("rate_difficulty", "not_rated", f"the rater could not tell: {rated.reason}")
    if difficulty == 5:
        return dropped("rate_difficulty", "unrelated", f"difficulty 5: {rated.reason}")
    if difficulty < 3 and length >= context.longest_chain and not context.keep_shallow:
        return dropped("rate_difficulty", "shallow", f"difficulty {difficulty} at length {length}: {rated.reason}")
    return None


async def feel(state: ProfileState, runtime: Context) -> ProfileState:
    """What the person feels: the first need with the emotion."""
    client = _client(state, runtime, "feel")
    answer = await runtime.context.agent.feel(client, _person(state))
    calls = report_calls(runtime, "feel", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("feel", answer), "calls": calls}
    return {"feeling": answer.feeling, "calls": calls}


async def recall(state: ProfileState, runtime: Context) -> ProfileState:
    """Memories, told in reverse along the chain, the first beginning with the need."""
    person = _person(state)
    low, high = runtime.context.memories
    # By the item alone, so that a resumed run asks for as many.
    plan = memory_plan(len(person.chain), random.Random(person.item).randint(low, high))
    client = _client(state, runtime, "recall")
    answer = await runtime.context.agent.recall(client, person, state.get("feeling", ""), plan)
    calls = report_calls(runtime, "recall", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("recall", answer), "calls": calls}
    texts = list(answer.memories)
    if not texts[0].startswith(person.chain[-1]):
        texts[0] = f"{person.chain[-1]}{'：' if person.language == 'zh' else ': '}{texts[0]}"
    profile = Profile(
        id=person.item,
        language=person.language,
        scenario=person.scenario,
        emotion=person.emotion,
        feeling=state.get("feeling", ""),
        need=person.chain[-1],
        chain=[ChainStep.model_validate(step) for step in state.get("chain", [])],
        memory=[Memory(text=text, chain_node=node) for text, node in zip(texts, plan, strict=True)],
        source=SOURCE,
    )
    return {"profile": profile.model_dump(mode="json"), "calls": calls}


async def validate_profile(state: ProfileState) -> ProfileState:
    """The profile against the rules. Likeness to other profiles is decided when all are written."""
    problem = profile_problem(Profile.model_validate(state.get("profile")))
    return {"drop": dropped("validate", problem[0], problem[1])} if problem else {}


async def drop_profile(state: ProfileState) -> ProfileState:
    """The profile is not kept. Its content is kept beside the reason."""
    del state
    return {}


async def deep_enough(state: ProfileState, runtime: Context) -> Literal["deeper", "stop", "dropped"]:
    """Stop at difficulty 3 or 4 or at the greatest length, else a step deeper."""
    if state.get("drop"):
        return "dropped"
    chain = state.get("chain", [])
    return "stop" if chain[-1]["difficulty"] >= 3 or len(chain) >= runtime.context.longest_chain else "deeper"


def build_profile(context_of: ContextOf | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph. Invoke it with a ProfileContext. With `context_of` it makes its context from the state."""
    context_schema = None if context_of else ProfileContext
    graph = StateGraph(ProfileState, context_schema=context_schema, input_schema=ProfileInput)
    add_nodes(graph, context_of, propose_need, deepen_need, rate_difficulty, feel, recall, read_sense)
    graph.add_node("validate", validate_profile)
    graph.add_node("drop", drop_profile)
    graph.add_edge(START, "propose_need")
    steps = (("propose_need", "deepen_need"), ("deepen_need", "rate_difficulty"), ("feel", "recall"))
    last = (("recall", "validate"), ("validate", "read_sense"), ("read_sense", END))
    add_steps(graph, *steps, *last, dropped="drop")
    graph.add_conditional_edges(
        "rate_difficulty",
        bound(deep_enough, context_of),
        {"deeper": "deepen_need", "stop": "feel", "dropped": "drop"},
    )
    graph.add_edge("drop", END)
    return graph.compile(name="profile")
