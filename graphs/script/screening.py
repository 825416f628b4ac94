"""The nodes that sift a script while it is written: the screen after every piece, the rating, the whole form.

A fault is found as soon as it is written. The piece is written anew while there is one left, and only then is the
dialogue dropped, before anything else is paid for.
"""

import asyncio
from typing import Any

from cocoon.agents.writers.scripts import Reading
from cocoon.core.answers import Missing
from cocoon.core.prompts import load_prompt
from cocoon.evaluation.screen.screen import (
    ScreenFinding,
    ScreenRules,
    need_turn,
    screen_listening,
    structure_findings,
)
from cocoon.graphs.context import report_calls
from cocoon.graphs.profile import dropped
from cocoon.graphs.script.state import (
    PIECE,
    Context,
    ScriptState,
    client_at,
    dialogue_of,
    listening_of,
    profile_of,
    replies_of,
)
from cocoon.models.calls import Reply
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place

_QUOTED = 120


async def screen(state: ScriptState, runtime: Context) -> ScriptState:
    """Structure, leaks, early need, advice and leftover questions of the last piece, the doubtful ones confirmed."""
    context = runtime.context
    if not context.screen_pieces:
        return {}
    confirmed, update = await _screened(state, runtime, state.get("begun_at", 0))
    if not confirmed:
        return {**update, "screened": "clean"}
    if state.get("piece", 0) >= context.pieces:
        return {**update, "drop": _dropped_for(confirmed[0])}
    words = load_prompt("script/fault", profile_of(state).language, context.agent.writer.folder)
    note = words.render(kind=confirmed[0].kind, quote=confirmed[0].quote[:_QUOTED])
    return {**update, "screened": "repair", "note": note}


async def _screened(state: ScriptState, runtime: Context, begun: int) -> tuple[list[ScreenFinding], ScriptState]:
    """Return what counts against the listening stage from the turn `begun` on, and the state with all findings."""
    findings = await asyncio.to_thread(screen_listening, listening_of(state), profile_of(state), runtime.context.rules)
    new = [finding for finding in findings if (finding.turn or 0) >= begun]
    confirmed, replies = await _confirm(new, state, runtime)
    stored = [*state.get("findings", []), *(finding.model_dump(mode="json") for finding in new)]
    return confirmed, {"findings": stored, "calls": report_calls(runtime, "screen", replies)}


def _dropped_for(fault: ScreenFinding) -> dict[str, str]:
    where = "" if fault.turn is None else f"turn {fault.turn}: "
    return dropped("screen", fault.kind, f"{where}{fault.detail} {fault.quote!r}".strip())


async def _confirm(
    findings: list[ScreenFinding], state: ScriptState, runtime: Context
) -> tuple[list[ScreenFinding], list[Reply]]:
    """Return the findings that count: those by words or structure, and candidates that the rater reads so as well."""
    candidates = [finding for finding in findings if finding.test == "semantic"]
    first = state.get("piece", 0) * PIECE
    clients = [client_at(state, runtime, "confirm", first + number) for number in range(len(candidates))]
    language = profile_of(state).language
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
    return counted, replies_of(clients)


def _reading(candidate: ScreenFinding, rules: ScreenRules) -> tuple[Reading, dict[str, Any]]:
    words = {"words": candidate.quote}
    if candidate.kind == "advice":
        return "advises", words
    if candidate.kind == "question":
        return "asks", {**words, "every": rules.rewrite == "all"}
    return "confirm", {**words, "part": candidate.part}


async def check_form(state: ScriptState, runtime: Context) -> ScriptState:
    """The form of the whole dialogue, and a remark where no words of the user tell the need."""
    rules, profile = runtime.context.rules, profile_of(state)
    confirmed, update = ([], ScriptState()) if runtime.context.screen_pieces else await _screened(state, runtime, 0)
    findings = structure_findings(state.get("turns", []), rules)
    if confirmed:
        update["drop"] = _dropped_for(confirmed[0])
    elif findings:
        update["drop"] = dropped("check_form", findings[0].kind, findings[0].detail)
    if await asyncio.to_thread(need_turn, listening_of(state), profile, rules.semantic) is None:
        # The self-check read the need where neither words nor vectors show it: told, and no reason to drop.
        detail = "no words of the user tell the need"
        findings.append(ScreenFinding(kind="need_not_reached", test="lexical", detail=detail))
    stored = [finding.model_dump(mode="json") for finding in findings]
    return {**update, "findings": [*update.get("findings", state.get("findings", [])), *stored]}


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
