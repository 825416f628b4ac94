"""The translation graph: the same profile in the other language, piece by piece, or the reason for none."""

import functools
import operator
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from cocoon.agents.writers.asking import Asker
from cocoon.agents.writers.profile_checks import is_in, profile_problem
from cocoon.core.answers import Line, Longest, Missing, NeededLine, TypedAnswer, variant_of
from cocoon.core.records import Language, Profile
from cocoon.graphs.context import report_calls
from cocoon.graphs.edges import add_steps
from cocoon.graphs.profile import dropped, unreadable
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place

PROMPT = "profile/translate"
_TEXTS = ("scenario", "emotion", "feeling")


class TranslatedTexts(TypedAnswer):
    """The texts of a profile in the other language. `chain` and `memory` have as many as the original."""

    scenario: Line
    emotion: Line
    feeling: NeededLine
    chain: list[NeededLine]
    memory: list[NeededLine]


@functools.cache
def translated_texts(nodes: int, memories: int, longest: int) -> type[TranslatedTexts]:
    """Return the form of a translation of a profile with so many texts, none of which is longer than `longest`."""
    size = Longest(longest)
    line, needed = Annotated[Line, size], Annotated[NeededLine, size]
    return variant_of(
        TranslatedTexts,
        scenario=(line, ""),
        emotion=(line, ""),
        feeling=(needed, ...),
        chain=(Annotated[list[needed], Field(min_length=nodes, max_length=nodes)], ...),
        memory=(Annotated[list[needed], Field(min_length=memories, max_length=memories)], ...),
    )


@dataclass(frozen=True)
class TranslationContext:
    """The translator and the language into which it translates."""

    caller: Caller
    translator: Asker
    to: Language


class TranslationState(TypedDict, total=False):
    """One profile while it is translated. Both are records as plain JSON."""

    item: str
    original: dict[str, Any]
    profile: dict[str, Any]
    drop: dict[str, str]
    calls: Annotated[list[str], operator.add]


async def translate_profile(state: TranslationState, runtime: Runtime[TranslationContext]) -> TranslationState:
    """All texts of the profile in one reply, as many as there were."""
    context = runtime.context
    original = Profile.model_validate(state.get("original"))
    client = JournaledClient(context.caller, Place(state.get("item", ""), "translate", 0))
    answer = await context.translator.ask(
        client,
        PROMPT,
        context.to,
        _kind(original),
        lambda answer: _problem(answer, original, context.to),
        scenario=original.scenario,
        emotion=original.emotion,
        feeling=original.feeling,
        chain=[step.need for step in original.chain],
        memory=[memory.text for memory in original.memory],
    )
    calls = report_calls(runtime, "translate", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("translate", answer), "calls": calls}
    profile = _translated(original, answer, state.get("item", ""), context.to)
    return {"profile": profile.model_dump(mode="json"), "calls": calls}


async def validate_translation(state: TranslationState) -> TranslationState:
    """Against the rules that built profiles keep, where the original keeps them: role cards have rules of their own."""
    if state.get("drop") or profile_problem(Profile.model_validate(state.get("original"))):
        return {}
    problem = profile_problem(Profile.model_validate(state.get("profile")))
    return {"drop": dropped("validate", problem[0], problem[1])} if problem else {}


def _kind(original: Profile) -> type[TranslatedTexts]:
    # English takes about four letters for a Chinese character.
    longest = max(map(len, (original.feeling, *(memory.text for memory in original.memory))))
    return translated_texts(len(original.chain), len(original.memory), max(1200, 6 * longest))


def _problem(answer: TranslatedTexts, original: Profile, to: Language) -> str | None:
    for name, texts in (("feeling", [answer.feeling]), ("chain", answer.chain), ("memory", answer.memory)):
        if wrong := next((text for text in texts if not is_in(text, to)), None):
            return f"key {name!r}: {wrong[:60]!r} is not in language {to!r}"
    for name in ("scenario", "emotion"):
        if getattr(original, name) and not getattr(answer, name):
            return f"key {name!r}: a text is needed"
    return None


def _translated(original: Profile, answer: TranslatedTexts, name: str, to: Language) -> Profile:
    needs, texts = answer.chain, list(answer.memory)
    begins = bool(texts) and original.need is not None and original.memory[0].text.startswith(original.need)
    if begins and not texts[0].startswith(needs[-1]):
        texts[0] = f"{needs[-1]}{'：' if to == 'zh' else ': '}{texts[0]}"
    chain = [
        step.model_copy(update={"need": need, "reason": ""}) for step, need in zip(original.chain, needs, strict=True)
    ]
    memory = [
        memory_line.model_copy(update={"text": text}) for memory_line, text in zip(original.memory, texts, strict=True)
    ]
    return original.model_copy(
        update={
            "id": name,
            "language": to,
            "translation_of": original.id,
            "reviewed": False,
            **{key: getattr(answer, key) for key in _TEXTS},
            "need": needs[-1] if original.need is not None else None,
            "chain": chain,
            "memory": memory,
        }
    )


def build_translation() -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph. Invoke it with a TranslationContext."""
    graph = StateGraph(TranslationState, context_schema=TranslationContext)
    graph.add_node("translate", translate_profile)
    graph.add_node("validate", validate_translation)
    graph.add_edge(START, "translate")
    add_steps(graph, ("translate", "validate"))
    graph.add_edge("validate", END)
    return graph.compile(name="translation")
