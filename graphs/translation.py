"""The translation graph: the same profile in the other language, piece by piece, or the reason for none."""

import operator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from cocoon.agents.writers.asking import Asker, object_schema, text_of
from cocoon.agents.writers.profile_checks import is_in, profile_problem
from cocoon.core.records import Language, Profile
from cocoon.graphs.context import report_calls
from cocoon.graphs.profile import dropped
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Place

PROMPT = "profile/translate"
_LISTS = ("chain", "memory")
_TEXTS = ("scenario", "emotion", "feeling")


@dataclass(frozen=True)
class TranslationContext:
    """The translator and the language into which it translates."""

    caller: Caller
    translator: Asker
    to: Language


class TranslationState(TypedDict, total=False):
    """One profile while it is translated; both are records as plain JSON."""

    item: str
    original: dict[str, Any]
    profile: dict[str, Any]
    drop: dict[str, str]
    calls: Annotated[list[str], operator.add]


async def translate(state: TranslationState, runtime: Runtime[TranslationContext]) -> TranslationState:
    """All texts of the profile in one reply; as many pieces as there were."""
    context = runtime.context
    original = Profile.model_validate(state.get("original"))
    asked = await context.translator.ask(
        context.caller,
        Place(state.get("item", ""), "translate", 0),
        PROMPT,
        context.to,
        _schema(original),
        lambda value: _problem(value, original, context.to),
        scenario=original.scenario,
        emotion=original.emotion,
        feeling=original.feeling,
        chain=[step.need for step in original.chain],
        memory=[memory.text for memory in original.memory],
    )
    report_calls(runtime, "translate", asked.replies)
    calls = [reply.key for reply in asked.replies]
    if asked.value is None:
        return {"drop": dropped("translate", "unreadable", asked.problem or "no answer"), "calls": calls}
    made = _translated(original, asked.value, state.get("item", ""), context.to)
    return {"profile": made.model_dump(mode="json"), "calls": calls}


async def validate(state: TranslationState) -> TranslationState:
    """Against the rules that built profiles keep, where the original keeps them: role cards have rules of their own."""
    if state.get("drop") or profile_problem(Profile.model_validate(state.get("original"))):
        return {}
    problem = profile_problem(Profile.model_validate(state.get("profile")))
    return {"drop": dropped("validate", problem[0], problem[1])} if problem else {}


def _schema(original: Profile) -> dict[str, Any]:
    # English takes about four letters for a Chinese character.
    longest = max(map(len, (original.feeling, *(memory.text for memory in original.memory))))
    text = {"type": "string", "maxLength": max(1200, 6 * longest)}
    lists = {
        name: {"type": "array", "items": text, "minItems": size, "maxItems": size}
        for name, size in zip(_LISTS, (len(original.chain), len(original.memory)), strict=True)
    }
    return object_schema({**dict.fromkeys(_TEXTS, text), **lists})


def _problem(value: dict[str, Any], original: Profile, to: Language) -> str | None:
    for name, size in zip(_LISTS, (len(original.chain), len(original.memory)), strict=True):
        found = value.get(name)
        if not isinstance(found, list) or len(found) != size or not all(isinstance(one, str) for one in found):
            return f"key {name!r}: must be a list of {size} texts"
    told = {"feeling": [text_of(value, "feeling")], **{name: value[name] for name in _LISTS}}
    for name, texts in told.items():
        if not all(text.strip() for text in texts):
            return f"key {name!r}: a text is needed"
        if wrong := next((text for text in texts if not is_in(text, to)), None):
            return f"key {name!r}: {wrong[:60]!r} is not in language {to!r}"
    empty = next(
        (name for name in ("scenario", "emotion") if getattr(original, name) and not text_of(value, name)), None
    )
    return f"key {empty!r}: a text is needed" if empty else None


def _translated(original: Profile, value: dict[str, Any], name: str, to: Language) -> Profile:
    needs = [" ".join(text.split()) for text in value["chain"]]
    texts = [" ".join(text.split()) for text in value["memory"]]
    begins = bool(texts) and original.need is not None and original.memory[0].text.startswith(original.need)
    if begins and not texts[0].startswith(needs[-1]):
        texts[0] = f"{needs[-1]}{'：' if to == 'zh' else ': '}{texts[0]}"
    chain = [
        step.model_copy(update={"need": need, "reason": ""}) for step, need in zip(original.chain, needs, strict=True)
    ]
    memory = [one.model_copy(update={"text": text}) for one, text in zip(original.memory, texts, strict=True)]
    return original.model_copy(
        update={
            "id": name,
            "language": to,
            "translation_of": original.id,
            "reviewed": False,
            **{key: text_of(value, key) for key in _TEXTS},
            "need": needs[-1] if original.need is not None else None,
            "chain": chain,
            "memory": memory,
        }
    )


async def is_whole(state: TranslationState) -> Literal["goes on", "dropped"]:
    """Whether there is a translation to look at."""
    return "dropped" if state.get("drop") else "goes on"


def build_translation() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph; invoke it with a TranslationContext."""
    graph = StateGraph(TranslationState, context_schema=TranslationContext)
    graph.add_node("translate", translate)
    graph.add_node("validate", validate)
    graph.add_edge(START, "translate")
    graph.add_conditional_edges("translate", is_whole, {"goes on": "validate", "dropped": END})
    graph.add_edge("validate", END)
    return graph.compile(name="translation")
