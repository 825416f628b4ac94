"""The script graph (paper 3.2, 3.3, appendix D): one writer writes both roles of a dialogue, which is then sieved.

    write_listening -> check_listening -(continue)-> write_listening
                                       -(repair)-> mend -> write_listening
                                       -(stop)-> analyse -> write_suggestion -> screen -> rate_listening -> annotate

Every node may end in `drop`, with the reason and all that stood.
"""

import asyncio
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from cocoon.agents.judges.judges import ScaleJudge
from cocoon.agents.writers.asking import Asked, text_of
from cocoon.agents.writers.scripts import READINGS, Reading, Script, ScriptWriter, analysis_text
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Profile, Record, Thought, Turn
from cocoon.evaluation.questions.sentences import language_by_script
from cocoon.evaluation.screen.screen import (
    REWRITTEN,
    Finding,
    ScreenRules,
    Spoken,
    leftover_question,
    need_turn,
    screen_listening,
)
from cocoon.graphs.context import ContextOf, bound, report_calls
from cocoon.graphs.profile import dropped
from cocoon.models.calls import Caller, Reply
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place

SOURCE = "cocoon script"
SUPPORTER = "script"
EARLY = "early_need"


@dataclass(frozen=True)
class ScriptContext:
    """Who writes and rates, and the rules. `exchanges`: of one piece; `pieces`: written at most, repairs included."""

    caller: Caller
    agent: ScriptWriter
    judge: ScaleJudge
    rules: ScreenRules
    exchanges: int = 3
    pieces: int = 6
    suggestions: int = 4


class ScriptInput(Record):
    """What a script is written from."""

    profile: Profile = Field(description="a profile record with a need, such as a line of examples/profiles/en.jsonl")
    item: str = Field(default="", description="the id that the dialogue will have")


class ScriptState(TypedDict, total=False):
    """One dialogue while it is written. `turns` are plain turns (role, content, draft); `findings` of the screen."""

    item: str
    profile: dict[str, Any]
    turns: list[dict[str, Any]]
    piece: int
    begun_at: int
    note: str
    decision: str
    analysis: dict[str, Any]
    boundary: int
    findings: list[dict[str, Any]]
    rating: dict[str, Any]
    drop: dict[str, str]
    calls: Annotated[list[str], operator.add]


Context = Runtime[ScriptContext]


def _profile(state: ScriptState) -> Profile:
    return Profile.model_validate(state.get("profile"))


def _script(state: ScriptState) -> Script:
    return Script(state.get("item", ""), _profile(state), state.get("turns", []), state.get("piece", 0))


def _spoken(state: ScriptState) -> list[Spoken]:
    listening = state.get("turns", [])[: state.get("boundary")]
    return [Spoken(turn["role"], turn["content"]) for turn in listening]


def _keys(replies: list[Reply]) -> list[str]:
    return [reply.key for reply in replies]


async def write_listening(state: ScriptState, runtime: Context) -> ScriptState:
    """The next exchanges of the listening stage; closed questions are taken as their statements."""
    context = runtime.context
    profile = _profile(state)
    turns = state.get("turns") or [_opening(profile, context)]
    script = Script(state.get("item", ""), profile, turns, state.get("piece", 0))
    early = max(0, context.rules.minimum_rounds - _rounds(turns))
    asked = await context.agent.listen(context.caller, script, context.exchanges, state.get("note", ""), early)
    report_calls(runtime, "write_listening", asked.replies)
    calls = _keys(list(asked.replies))
    update: ScriptState = {"piece": script.attempt + 1, "begun_at": len(turns), "calls": calls}
    if asked.value is None:
        return {**update, "drop": dropped("write_listening", "unreadable", asked.problem or "no answer")}
    written = [*turns, *_piece(asked.value, context)]
    restated, replies = await _restate_leftovers(script, written, len(turns), context)
    report_calls(runtime, "write_listening", replies)
    return {**update, "turns": restated, "calls": [*calls, *_keys(replies)]}


def _opening(profile: Profile, context: ScriptContext) -> dict[str, Any]:
    opening = load_prompt("supporter/opening", profile.language, context.agent.writer.folder)
    return {"role": "supporter", "content": opening.render(emotion=profile.emotion), "draft": None}


def _piece(value: dict[str, Any], context: ScriptContext) -> list[dict[str, Any]]:
    reply = text_of(value, "reply")
    turns: list[dict[str, Any]] = [{"role": "user", "content": reply, "draft": None}] if reply else []
    for exchange in value["exchanges"][: context.exchanges]:
        draft, statement = text_of(exchange, "draft"), text_of(exchange, "statement")
        language = language_by_script(draft)
        rewritten = bool(leftover_question(draft, language, context.rules.rewrite)) and statement != draft
        turns.append(
            {"role": "supporter", "content": statement if rewritten else draft, "draft": draft if rewritten else None}
        )
        turns.append({"role": "user", "content": text_of(exchange, "user"), "draft": None})
    return turns


async def _restate_leftovers(
    script: Script, turns: list[dict[str, Any]], start: int, context: ScriptContext
) -> tuple[list[dict[str, Any]], list[Reply]]:
    """Ask once more for a statement wherever a question is left; what is still one is for the screen to find."""
    language, rules = script.language, context.rules
    if not REWRITTEN[rules.rewrite]:
        return turns, []
    left = [
        place
        for place in range(start, len(turns))
        if turns[place]["role"] == "supporter" and leftover_question(turns[place]["content"], language, rules.rewrite)
    ]
    whole = Script(script.item, script.profile, turns, script.attempt)
    every = rules.rewrite == "all"
    asked = await asyncio.gather(*(context.agent.restate(context.caller, whole, place, every) for place in left))
    restated = list(turns)
    for place, one in zip(left, asked, strict=True):
        if one.value is not None:
            turn = turns[place]
            restated[place] = {
                **turn,
                "content": text_of(one.value, "statement"),
                "draft": turn["draft"] or turn["content"],
            }
    return restated, [reply for one in asked for reply in one.replies]


async def check_listening(state: ScriptState, runtime: Context) -> ScriptState:
    """The writer's self-check, and the rules that it cannot overrule: go on, mend the last piece, or stop.

    A need that is reached before its time is mended, since the piece that tells it can only be written anew.
    """
    context = runtime.context
    asked = await context.agent.check(context.caller, _script(state))
    report_calls(runtime, "check_listening", asked.replies)
    calls = _keys(list(asked.replies))
    if asked.value is None:
        return {"drop": dropped("check_listening", "unreadable", asked.problem or "no answer"), "calls": calls}
    decision, reason = _decide(asked.value, state, context)
    note = text_of(asked.value, "note")
    if decision != "stop" and state.get("piece", 0) >= context.pieces:
        when = f"the need told within {context.rules.minimum_rounds} rounds, " if reason == EARLY else ""
        detail = f"{when}after {context.pieces} pieces{f': {note}' if note else ''}"
        return {"drop": dropped("check_listening", reason, detail), "calls": calls}
    update: ScriptState = {"decision": decision, "note": note if reason == "not_mended" else "", "calls": calls}
    if decision == "stop":
        update["boundary"] = len(state.get("turns", []))
    return update


def _rounds(turns: Sequence[Mapping[str, Any]]) -> int:
    return sum(turn["role"] == "user" for turn in turns)


def _decide(value: dict[str, Any], state: ScriptState, context: ScriptContext) -> tuple[str, str]:
    """What comes next, and the reason to drop the dialogue if no piece is left for it."""
    early = _rounds(state.get("turns", [])) <= context.rules.minimum_rounds
    if value["reached"] and early:
        return "repair", EARLY
    if value["decision"] == "repair":
        return "repair", "not_mended"
    stops = value["decision"] == "stop" and value["reached"] and value["understood"]
    return "stop" if stops and not early else "continue", "not_reached"


async def mend(state: ScriptState) -> ScriptState:
    """Take back the last piece, so that it is written anew with the note."""
    return {"turns": state.get("turns", [])[: state.get("begun_at", 1)]}


async def analyse(state: ScriptState, runtime: Context) -> ScriptState:
    """Need and feeling, other ways to the need, back to the feeling."""
    context = runtime.context
    asked = await context.agent.analyse(context.caller, _script(state))
    return _told(runtime, "analyse", asked, {"analysis": asked.value or {}})


async def write_suggestion(state: ScriptState, runtime: Context) -> ScriptState:
    """The suggestion stage, from the analysis."""
    context = runtime.context
    asked = await context.agent.suggest(context.caller, _script(state), state.get("analysis", {}), context.suggestions)
    turns = list(state.get("turns", []))
    for exchange in (asked.value or {}).get("exchanges", []):
        turns.append({"role": "supporter", "content": text_of(exchange, "supporter"), "draft": None})
        turns.append({"role": "user", "content": text_of(exchange, "user"), "draft": None})
    turns.append({"role": "supporter", "content": text_of(asked.value or {}, "closing"), "draft": None})
    return _told(runtime, "write_suggestion", asked, {"turns": turns})


def _told(runtime: Context, node: str, asked: Asked, update: ScriptState) -> ScriptState:
    report_calls(runtime, node, asked.replies)
    calls = _keys(list(asked.replies))
    if asked.value is None:
        return {"drop": dropped(node, "unreadable", asked.problem or "no answer"), "calls": calls}
    return {**update, "calls": calls}


async def screen(state: ScriptState, runtime: Context) -> ScriptState:
    """Structure, leaks, early need, advice and leftover questions; a model has to confirm the doubtful."""
    context, rules = runtime.context, runtime.context.rules
    profile, listening = _profile(state), _spoken(state)
    findings = await asyncio.to_thread(screen_listening, listening, profile, rules)
    findings += _whole_findings(state, rules)
    confirmed, replies = await _confirm(findings, _script(state), context)
    report_calls(runtime, "screen", replies)
    if await asyncio.to_thread(need_turn, listening, profile, rules.semantic) is None:
        # The self-check read the need where neither words nor vectors show it: told, and no reason to drop.
        detail = "no words of the user tell the need"
        findings.append(Finding(kind="need_not_reached", test="lexical", detail=detail))
    update: ScriptState = {"findings": [one.model_dump(mode="json") for one in findings], "calls": _keys(replies)}
    if confirmed:
        first = confirmed[0]
        update["drop"] = dropped("screen", first.kind, f"turn {first.turn}: {first.detail} {first.quote!r}".strip())
    return update


async def _confirm(
    findings: list[Finding], script: Script, context: ScriptContext
) -> tuple[list[Finding], list[Reply]]:
    """The findings that count: those by words or structure, and those candidates that the rater reads so as well."""
    candidates = [one for one in findings if one.test == "semantic"]
    asked = await asyncio.gather(*(_read(one, number, script, context) for number, one in enumerate(candidates)))
    same = [one for one, (so, _) in zip(candidates, asked, strict=True) if so]
    counted = [one for one in findings if one.test != "semantic" or one in same]
    return counted, [reply for _, replies in asked for reply in replies]


async def _read(candidate: Finding, number: int, script: Script, context: ScriptContext) -> tuple[bool, list[Reply]]:
    """Whether the rater reads a candidate so too, and its replies."""
    reading, words = _reading(candidate, context.rules)
    asked = await context.agent.reads(context.caller, script, number, reading, words)
    return asked.value is not None and asked.value[READINGS[reading]] is True, list(asked.replies)


def _reading(candidate: Finding, rules: ScreenRules) -> tuple[Reading, dict[str, Any]]:
    words = {"words": candidate.quote}
    if candidate.kind == "advice":
        return "advises", words
    if candidate.kind == "question":
        return "asks", {**words, "every": rules.rewrite == "all"}
    return "confirm", {**words, "part": candidate.part}


def _whole_findings(state: ScriptState, rules: ScreenRules) -> list[Finding]:
    turns = state.get("turns", [])
    found = []
    if len(turns) < rules.minimum_turns:
        detail = f"{len(turns)} turns, at least {rules.minimum_turns}"
        found.append(Finding(kind="too_short", test="structure", detail=detail))
    empty = next((number for number, turn in enumerate(turns) if not turn["content"]), None)
    if empty is not None:
        found.append(Finding(kind="roles", test="structure", turn=empty, detail="an empty turn"))
    return found


async def rate_listening(state: ScriptState, runtime: Context) -> ScriptState:
    """Active-empathic listening, as an observer rates it; the threshold is applied when all are rated."""
    context = runtime.context
    listening: ScriptState = {**state, "turns": state.get("turns", [])[: state.get("boundary")]}
    client = JournaledClient(context.caller, Place(_script(state).item, "rate_listening", 0), judging=True)
    rating, replies = await context.judge.rate(client, dialogue_of(listening)), client.replies
    report_calls(runtime, "rate_listening", replies)
    update: ScriptState = {"rating": rating.model_dump(mode="json"), "calls": _keys(replies)}
    if any(value is None for value in rating.dimensions.values()):
        missing = ", ".join(f"{item}: {why}" for item, why in rating.missing.items())
        update["drop"] = dropped("rate_listening", "not_rated", missing or "a dimension is missing")
    return update


async def annotate(state: ScriptState, runtime: Context) -> ScriptState:
    """Thought and strategy of every supporter turn but the fixed opening; one that cannot be read is missing."""
    context, script = runtime.context, _script(state)
    places = [place for place, turn in enumerate(script.turns) if turn["role"] == "supporter" and place]
    asked = await asyncio.gather(*(context.agent.annotate(context.caller, script, place) for place in places))
    turns = list(script.turns)
    for place, one in zip(places, asked, strict=True):
        report_calls(runtime, "annotate", one.replies)
        if one.value is not None:
            thought = Thought(
                analysis=analysis_text(one.value, script.language), strategy=text_of(one.value, "strategy")
            )
            turns[place] = {**turns[place], "thought": thought.model_dump(mode="json")}
    return {"turns": turns, "calls": [reply.key for one in asked for reply in one.replies]}


def dialogue_of(state: Mapping[str, Any]) -> Dialogue:
    """The dialogue as it stands."""
    profile = Profile.model_validate(state["profile"])
    return Dialogue(
        id=state.get("item", ""),
        profile=profile,
        supporter=SUPPORTER,
        language=profile.language,
        turns=[Turn.model_validate(turn) for turn in state.get("turns", []) if turn["content"]],
        stage_boundary=state.get("boundary"),
        source=f"{SOURCE} ({profile.source})",
        licence=profile.licence,
    )


async def drop(state: ScriptState) -> ScriptState:
    """Not kept; what stood when it ended is kept beside the reason."""
    del state
    return {}


async def is_whole(state: ScriptState) -> Literal["goes on", "dropped"]:
    """Whether there is something to go on with."""
    return "dropped" if state.get("drop") else "goes on"


async def what_next(state: ScriptState) -> Literal["continue", "repair", "stop", "dropped"]:
    """What the self-check decided."""
    if state.get("drop"):
        return "dropped"
    decision = state.get("decision")
    return "stop" if decision == "stop" else "repair" if decision == "repair" else "continue"


def build_script(context_of: ContextOf | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph; invoke it with a ScriptContext. With `context_of` it makes its context from the state."""
    context_schema = None if context_of else ScriptContext
    graph = StateGraph(ScriptState, context_schema=context_schema, input_schema=ScriptInput)
    for name, node in (
        ("write_listening", write_listening),
        ("check_listening", check_listening),
        ("analyse", analyse),
        ("write_suggestion", write_suggestion),
        ("screen", screen),
        ("rate_listening", rate_listening),
        ("annotate", annotate),
    ):
        graph.add_node(name, bound(node, context_of))
    graph.add_node("mend", mend)
    graph.add_node("drop", drop)
    graph.add_edge(START, "write_listening")
    graph.add_conditional_edges("write_listening", is_whole, {"goes on": "check_listening", "dropped": "drop"})
    graph.add_conditional_edges(
        "check_listening",
        what_next,
        {"continue": "write_listening", "repair": "mend", "stop": "analyse", "dropped": "drop"},
    )
    graph.add_edge("mend", "write_listening")
    for source, target in (
        ("analyse", "write_suggestion"),
        ("write_suggestion", "screen"),
        ("screen", "rate_listening"),
        ("rate_listening", "annotate"),
    ):
        graph.add_conditional_edges(source, is_whole, {"goes on": target, "dropped": "drop"})
    graph.add_edge("annotate", END)
    graph.add_edge("drop", END)
    return graph.compile(name="script")
