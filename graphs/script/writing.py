"""The nodes that write a script: both stages, the self-check between them, and the thoughts behind the turns."""

import asyncio
from typing import Any

from cocoon.agents.writers.scripts import Analysis, ListeningCheck, ListeningPiece, Script
from cocoon.core.answers import Missing
from cocoon.core.records import Profile, Role, Thought
from cocoon.core.text import language_by_script
from cocoon.evaluation.screen.screen import REWRITTEN, fixed_opening, leftover_question
from cocoon.graphs.context import report_calls
from cocoon.graphs.profile import dropped, unreadable
from cocoon.graphs.script.state import (
    PIECE,
    Context,
    ScriptContext,
    ScriptState,
    client_at,
    profile_of,
    replies_of,
    rounds_of,
    script_of,
)
from cocoon.models.calls import Reply

_EARLY = "early_need"


async def write_listening(state: ScriptState, runtime: Context) -> ScriptState:
    """The next exchanges of the listening stage. What is rewritten, and when, is the writer's rule."""
    context = runtime.context
    profile, number = profile_of(state), state.get("piece", 0)
    turns = state.get("turns") or [_opening(profile, context)]
    early = max(0, context.rules.minimum_rounds - rounds_of(turns))
    client = client_at(state, runtime, "write_listening", number)
    piece = await context.agent.listen(client, Script(profile, turns), context.exchanges, state.get("note", ""), early)
    calls = report_calls(runtime, "write_listening", client.replies)
    update: ScriptState = {"piece": number + 1, "begun_at": len(turns), "calls": calls}
    if isinstance(piece, Missing):
        return {**update, "drop": unreadable("write_listening", piece)}
    answered = [_turn("user", piece.reply)] if len(turns) == 1 else []
    written = [*turns, *answered, *_turns_of(piece, context)]
    restated, replies = await _restate_leftovers(state, runtime, written, len(turns))
    calls += report_calls(runtime, "write_listening", replies)
    return {**update, "turns": restated, "calls": calls}


def _opening(profile: Profile, context: ScriptContext) -> dict[str, Any]:
    return _turn("supporter", fixed_opening(profile, context.rules.prompts))


def _turns_of(piece: ListeningPiece, context: ScriptContext) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for exchange in piece.exchanges[: context.exchanges]:
        draft, statement = exchange.draft, exchange.statement
        rewritten = statement != draft and (context.agent.polishes or _asks(draft, context))
        turns.append(_turn("supporter", statement, draft) if rewritten else _turn("supporter", draft))
        turns.append(_turn("user", exchange.user))
    return turns


def _asks(draft: str, context: ScriptContext) -> bool:
    return bool(leftover_question(draft, language_by_script(draft), context.rules.rewrite))


def _turn(role: Role, content: str, draft: str | None = None) -> dict[str, Any]:
    return {"role": role, "content": content, "draft": draft}


async def _restate_leftovers(
    state: ScriptState, runtime: Context, turns: list[dict[str, Any]], start: int
) -> tuple[list[dict[str, Any]], list[Reply]]:
    """Ask once more for a statement wherever a question is left. What is still a question is for the screen to find."""
    context, script = runtime.context, Script(profile_of(state), turns)
    rewrite = context.rules.rewrite
    if not REWRITTEN[rewrite]:
        return turns, []
    leftovers = [
        number
        for number in range(start, len(turns))
        if turns[number]["role"] == "supporter"
        and leftover_question(turns[number]["content"], script.language, rewrite)
    ]
    first = state.get("piece", 0) * PIECE
    clients = [client_at(state, runtime, "restate", first + number) for number in leftovers]
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
    return restated, replies_of(clients)


async def check_listening(state: ScriptState, runtime: Context) -> ScriptState:
    """The writer's self-check, and the rules that it cannot overrule: go on, mend the last piece, or stop.

    A need that is reached before its time is mended, since the piece that tells it can only be written anew.
    """
    context = runtime.context
    client = client_at(state, runtime, "check_listening", state.get("piece", 0))
    answer = await context.agent.check(client, script_of(state))
    calls = report_calls(runtime, "check_listening", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("check_listening", answer), "calls": calls}
    decision, reason = _decide(answer, state, context)
    note = answer.note
    if decision != "stop" and state.get("piece", 0) >= context.pieces:
        when = f"the need told within {context.rules.minimum_rounds} rounds, " if reason == _EARLY else ""
        detail = f"{when}after {context.pieces} pieces{f': {note}' if note else ''}"
        return {"drop": dropped("check_listening", reason, detail), "calls": calls}
    update: ScriptState = {"decision": decision, "note": note if reason == "not_mended" else "", "calls": calls}
    if decision == "stop":
        update["boundary"] = len(state.get("turns", []))
    return update


def _decide(answer: ListeningCheck, state: ScriptState, context: ScriptContext) -> tuple[str, str]:
    """Return what comes next, and the reason to drop the dialogue if no piece is left for it."""
    early = rounds_of(state.get("turns", [])) <= context.rules.minimum_rounds
    if answer.reached and early:
        return "repair", _EARLY
    if answer.decision == "repair":
        return "repair", "not_mended"
    stops = answer.decision == "stop" and answer.reached and answer.understood
    return "stop" if stops and not early else "continue", "not_reached"


async def mend(state: ScriptState) -> ScriptState:
    """Take back the last piece, so that it is written anew with the note."""
    begun = state.get("begun_at", 1)
    update: ScriptState = {"turns": state.get("turns", [])[:begun]}
    if findings := state.get("findings"):
        update["findings"] = [finding for finding in findings if (finding["turn"] or 0) < begun]
    return update


async def analyse(state: ScriptState, runtime: Context) -> ScriptState:
    """Need and feeling, other ways to the need, back to the feeling."""
    client = client_at(state, runtime, "analyse")
    answer = await runtime.context.agent.analyse(client, script_of(state))
    calls = report_calls(runtime, "analyse", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("analyse", answer), "calls": calls}
    return {"analysis": answer.model_dump(), "calls": calls}


async def write_suggestion(state: ScriptState, runtime: Context) -> ScriptState:
    """The suggestion stage, from the analysis."""
    context, client = runtime.context, client_at(state, runtime, "write_suggestion")
    analysis = Analysis.model_validate(state.get("analysis"))
    answer = await context.agent.suggest(client, script_of(state), analysis, context.suggestions)
    calls = report_calls(runtime, "write_suggestion", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("write_suggestion", answer), "calls": calls}
    turns = list(state.get("turns", []))
    for exchange in answer.exchanges:
        turns += [_turn("supporter", exchange.supporter), _turn("user", exchange.user)]
    return {"turns": [*turns, _turn("supporter", answer.closing)], "calls": calls}


async def annotate(state: ScriptState, runtime: Context) -> ScriptState:
    """Thought and strategy of every supporter turn but the fixed opening. One that cannot be read is missing."""
    agent, script = runtime.context.agent, script_of(state)
    numbers = [number for number, turn in enumerate(script.turns) if turn["role"] == "supporter" and number]
    clients = [client_at(state, runtime, "annotate", number) for number in numbers]
    answers = await asyncio.gather(
        *(agent.annotate(client, script, number) for client, number in zip(clients, numbers, strict=True))
    )
    turns = list(script.turns)
    for number, answer in zip(numbers, answers, strict=True):
        if not isinstance(answer, Missing):
            thought = Thought(analysis=answer.text(script.language), strategy=answer.strategy)
            turns[number] = {**turns[number], "thought": thought.model_dump(mode="json")}
    return {"turns": turns, "calls": report_calls(runtime, "annotate", replies_of(clients))}
