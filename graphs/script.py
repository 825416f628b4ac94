"""The script graph (paper 3.2, 3.3, appendix D): one writer writes both roles of a dialogue, which is then sieved.

    write_listening -> check_listening -(continue)-> write_listening
                                       -(repair)-> mend -> write_listening
                                       -(stop)-> analyse -> write_suggestion -> screen -> rate_listening -> annotate

Every node may end in `drop`, with the reason and all that stood.
"""

import asyncio
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from cocoon.agents.judges.judges import ScaleJudge
from cocoon.agents.writers.scripts import Analysis, ListeningCheck, ListeningPiece, Reading, Script, ScriptWriter
from cocoon.core.answers import Missing
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Profile, Record, Role, Thought, Turn
from cocoon.core.text import language_by_script
from cocoon.evaluation.screen.screen import (
    REWRITTEN,
    ScreenFinding,
    ScreenRules,
    Spoken,
    leftover_question,
    need_turn,
    screen_listening,
    structure_findings,
)
from cocoon.graphs.context import ContextOf, report_calls
from cocoon.graphs.edges import add_nodes, add_steps
from cocoon.graphs.profile import dropped, unreadable
from cocoon.models.calls import Caller, Reply
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place

SOURCE = "cocoon script"
SUPPORTER = "script"
EARLY = "early_need"
# Above the turns of any dialogue: the same turn of a piece that was taken back is another call.
_PIECE = 1_000


@dataclass(frozen=True)
class ScriptContext:
    """Who writes and rates, and the rules. `exchanges` are in one piece, `pieces` the most with repairs."""

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
    """One dialogue while it is written. `turns` are plain turns (role, content, draft), `findings` are those of the
    screen.
    """

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
    return Script(_profile(state), state.get("turns", []))


def _client(state: ScriptState, runtime: Context, node: str, ordinal: int = 0) -> JournaledClient:
    return JournaledClient(runtime.context.caller, Place(state.get("item", ""), node, ordinal))


def _replies(clients: Iterable[JournaledClient]) -> list[Reply]:
    return [reply for client in clients for reply in client.replies]


def _spoken(state: ScriptState) -> list[Spoken]:
    listening = state.get("turns", [])[: state.get("boundary")]
    return [Spoken(turn["role"], turn["content"]) for turn in listening]


async def write_listening(state: ScriptState, runtime: Context) -> ScriptState:
    """The next exchanges of the listening stage. Closed questions are taken as their statements."""
    context = runtime.context
    profile, number = _profile(state), state.get("piece", 0)
    turns = state.get("turns") or [_opening(profile, context)]
    early = max(0, context.rules.minimum_rounds - _rounds(turns))
    client = _client(state, runtime, "write_listening", number)
    piece = await context.agent.listen(client, Script(profile, turns), context.exchanges, state.get("note", ""), early)
    calls = report_calls(runtime, "write_listening", client.replies)
    update: ScriptState = {"piece": number + 1, "begun_at": len(turns), "calls": calls}
    if isinstance(piece, Missing):
        return {**update, "drop": unreadable("write_listening", piece)}
    written = [*turns, *_turns_of(piece, context)]
    restated, replies = await _restate_leftovers(state, runtime, written, len(turns))
    calls += report_calls(runtime, "write_listening", replies)
    return {**update, "turns": restated, "calls": calls}


def _opening(profile: Profile, context: ScriptContext) -> dict[str, Any]:
    opening = load_prompt("supporter/opening", profile.language, context.agent.writer.folder)
    return {"role": "supporter", "content": opening.render(emotion=profile.emotion), "draft": None}


def _turns_of(piece: ListeningPiece, context: ScriptContext) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = [_turn("user", piece.reply)] if piece.reply else []
    for exchange in piece.exchanges[: context.exchanges]:
        draft, statement = exchange.draft, exchange.statement
        question = leftover_question(draft, language_by_script(draft), context.rules.rewrite)
        rewritten = bool(question) and statement != draft
        turns.append(_turn("supporter", statement, draft) if rewritten else _turn("supporter", draft))
        turns.append(_turn("user", exchange.user))
    return turns


def _turn(role: Role, content: str, draft: str | None = None) -> dict[str, Any]:
    return {"role": role, "content": content, "draft": draft}


async def _restate_leftovers(
    state: ScriptState, runtime: Context, turns: list[dict[str, Any]], start: int
) -> tuple[list[dict[str, Any]], list[Reply]]:
    """Ask once more for a statement wherever a question is left. What is still a question is for the screen to find."""
    context, script = runtime.context, Script(_profile(state), turns)
    rewrite = context.rules.rewrite
    if not REWRITTEN[rewrite]:
        return turns, []
    leftovers = [
        number
        for number in range(start, len(turns))
        if turns[number]["role"] == "supporter"
        and leftover_question(turns[number]["content"], script.language, rewrite)
    ]
    first = state.get("piece", 0) * _PIECE
    clients = [_client(state, runtime, "restate", first + number) for number in leftovers]
    answers = await asyncio.gather(
        *(
            context.agent.restate(client, script, number, rewrite == "all")
            for client, number in zip(clients, leftovers, strict=True)
        )
    )
    restated = list(turns)
    for number, answer in zip(leftovers, answers, strict=True):
        if not isinstance(answer, Missing):
            turn = turns[number]
            restated[number] = {**turn, "content": answer.statement, "draft": turn["draft"] or turn["content"]}
    return restated, _replies(clients)


async def check_listening(state: ScriptState, runtime: Context) -> ScriptState:
    """The writer's self-check, and the rules that it cannot overrule: go on, mend the last piece, or stop.

    A need that is reached before its time is mended, since the piece that tells it can only be written anew.
    """
    context = runtime.context
    client = _client(state, runtime, "check_listening", state.get("piece", 0))
    answer = await context.agent.check(client, _script(state))
    calls = report_calls(runtime, "check_listening", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("check_listening", answer), "calls": calls}
    decision, reason = _decide(answer, state, context)
    note = answer.note
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


def _decide(answer: ListeningCheck, state: ScriptState, context: ScriptContext) -> tuple[str, str]:
    """Return what comes next, and the reason to drop the dialogue if no piece is left for it."""
    early = _rounds(state.get("turns", [])) <= context.rules.minimum_rounds
    if answer.reached and early:
        return "repair", EARLY
    if answer.decision == "repair":
        return "repair", "not_mended"
    stops = answer.decision == "stop" and answer.reached and answer.understood
    return "stop" if stops and not early else "continue", "not_reached"


async def mend(state: ScriptState) -> ScriptState:
    """Take back the last piece, so that it is written anew with the note."""
    return {"turns": state.get("turns", [])[: state.get("begun_at", 1)]}


async def analyse(state: ScriptState, runtime: Context) -> ScriptState:
    """Need and feeling, other ways to the need, back to the feeling."""
    client = _client(state, runtime, "analyse")
    answer = await runtime.context.agent.analyse(client, _script(state))
    calls = report_calls(runtime, "analyse", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("analyse", answer), "calls": calls}
    return {"analysis": answer.model_dump(), "calls": calls}


async def write_suggestion(state: ScriptState, runtime: Context) -> ScriptState:
    """The suggestion stage, from the analysis."""
    context, client = runtime.context, _client(state, runtime, "write_suggestion")
    analysis = Analysis.model_validate(state.get("analysis"))
    answer = await context.agent.suggest(client, _script(state), analysis, context.suggestions)
    calls = report_calls(runtime, "write_suggestion", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("write_suggestion", answer), "calls": calls}
    turns = list(state.get("turns", []))
    for exchange in answer.exchanges:
        turns += [_turn("supporter", exchange.supporter), _turn("user", exchange.user)]
    return {"turns": [*turns, _turn("supporter", answer.closing)], "calls": calls}


async def screen(state: ScriptState, runtime: Context) -> ScriptState:
    """Structure, leaks, early need, advice and leftover questions. A model has to confirm the doubtful."""
    rules = runtime.context.rules
    profile, listening = _profile(state), _spoken(state)
    findings = await asyncio.to_thread(screen_listening, listening, profile, rules)
    findings += structure_findings(state.get("turns", []), rules)
    confirmed, replies = await _confirm(findings, state, runtime)
    calls = report_calls(runtime, "screen", replies)
    if await asyncio.to_thread(need_turn, listening, profile, rules.semantic) is None:
        # The self-check read the need where neither words nor vectors show it: told, and no reason to drop.
        detail = "no words of the user tell the need"
        findings.append(ScreenFinding(kind="need_not_reached", test="lexical", detail=detail))
    update: ScriptState = {"findings": [finding.model_dump(mode="json") for finding in findings], "calls": calls}
    if confirmed:
        first = confirmed[0]
        update["drop"] = dropped("screen", first.kind, f"turn {first.turn}: {first.detail} {first.quote!r}".strip())
    return update


async def _confirm(
    findings: list[ScreenFinding], state: ScriptState, runtime: Context
) -> tuple[list[ScreenFinding], list[Reply]]:
    """Return the findings that count: those by words or structure, and candidates that the rater reads so as well."""
    candidates = [finding for finding in findings if finding.test == "semantic"]
    clients = [_client(state, runtime, "confirm", number) for number in range(len(candidates))]
    language = _profile(state).language
    answers = await asyncio.gather(
        *(
            runtime.context.agent.reads(client, language, *_reading(candidate, runtime.context.rules))
            for client, candidate in zip(clients, candidates, strict=True)
        )
    )
    confirmed = [
        candidate
        for candidate, answer in zip(candidates, answers, strict=True)
        if not isinstance(answer, Missing) and answer.found
    ]
    counted = [finding for finding in findings if finding.test != "semantic" or finding in confirmed]
    return counted, _replies(clients)


def _reading(candidate: ScreenFinding, rules: ScreenRules) -> tuple[Reading, dict[str, Any]]:
    words = {"words": candidate.quote}
    if candidate.kind == "advice":
        return "advises", words
    if candidate.kind == "question":
        return "asks", {**words, "every": rules.rewrite == "all"}
    return "confirm", {**words, "part": candidate.part}


async def rate_listening(state: ScriptState, runtime: Context) -> ScriptState:
    """Active-empathic listening, as an observer rates it. The threshold is applied when all are rated."""
    context = runtime.context
    listening: ScriptState = {**state, "turns": state.get("turns", [])[: state.get("boundary")]}
    client = JournaledClient(context.caller, Place(state.get("item", ""), "rate_listening", 0), judging=True)
    rating = await context.judge.rate(client, dialogue_of(listening))
    calls = report_calls(runtime, "rate_listening", client.replies)
    update: ScriptState = {"rating": rating.model_dump(mode="json"), "calls": calls}
    if any(value is None for value in rating.dimensions.values()):
        missing = ", ".join(f"{item}: {why}" for item, why in rating.missing.items())
        update["drop"] = dropped("rate_listening", "not_rated", missing or "a dimension is missing")
    return update


async def annotate(state: ScriptState, runtime: Context) -> ScriptState:
    """Thought and strategy of every supporter turn but the fixed opening. One that cannot be read is missing."""
    agent, script = runtime.context.agent, _script(state)
    numbers = [number for number, turn in enumerate(script.turns) if turn["role"] == "supporter" and number]
    clients = [_client(state, runtime, "annotate", number) for number in numbers]
    answers = await asyncio.gather(
        *(agent.annotate(client, script, number) for client, number in zip(clients, numbers, strict=True))
    )
    turns = list(script.turns)
    for number, answer in zip(numbers, answers, strict=True):
        if not isinstance(answer, Missing):
            thought = Thought(analysis=answer.text(script.language), strategy=answer.strategy)
            turns[number] = {**turns[number], "thought": thought.model_dump(mode="json")}
    return {"turns": turns, "calls": report_calls(runtime, "annotate", _replies(clients))}


def dialogue_of(state: Mapping[str, Any]) -> Dialogue:
    """Return the dialogue as it stands."""
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


async def drop_script(state: ScriptState) -> ScriptState:
    """The dialogue is not kept. Its content is kept beside the reason."""
    del state
    return {}


async def what_next(state: ScriptState) -> Literal["continue", "repair", "stop", "dropped"]:
    """What the self-check decided."""
    if state.get("drop"):
        return "dropped"
    decision = state.get("decision")
    return "stop" if decision == "stop" else "repair" if decision == "repair" else "continue"


def build_script(context_of: ContextOf | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph. Invoke it with a ScriptContext. With `context_of` it makes its context from the state."""
    context_schema = None if context_of else ScriptContext
    graph = StateGraph(ScriptState, context_schema=context_schema, input_schema=ScriptInput)
    nodes = (write_listening, check_listening, analyse, write_suggestion, screen, rate_listening, annotate)
    add_nodes(graph, context_of, *nodes)
    graph.add_node("mend", mend)
    graph.add_node("drop", drop_script)
    graph.add_edge(START, "write_listening")
    add_steps(graph, ("write_listening", "check_listening"), ("analyse", "write_suggestion"), dropped="drop")
    graph.add_conditional_edges(
        "check_listening",
        what_next,
        {"continue": "write_listening", "repair": "mend", "stop": "analyse", "dropped": "drop"},
    )
    graph.add_edge("mend", "write_listening")
    last = (("write_suggestion", "screen"), ("screen", "rate_listening"), ("rate_listening", "annotate"))
    add_steps(graph, *last, dropped="drop")
    graph.add_edge("annotate", END)
    graph.add_edge("drop", END)
    return graph.compile(name="script")
