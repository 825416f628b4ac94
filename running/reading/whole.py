"""One dialogue in the form that the page shows: its text in marked pieces, its ratings item by item, its path."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from cocoon.core.records import Dialogue, Language, Rating, Turn
from cocoon.evaluation.fidelity.flags.turns import flags_by_turn
from cocoon.evaluation.questions.detection import counted_turns, questions
from cocoon.evaluation.safety.turns import crisis_by_turn
from cocoon.evaluation.scales.scoring import Scale
from cocoon.evaluation.success.verdicts import find_quote
from cocoon.running.reading.calls import Calls, reason_in

Events = Iterable[Mapping[str, Any]]


def turns_of(dialogue: Dialogue, ratings: Sequence[Rating]) -> list[dict[str, Any]]:
    """Return the turns with their pieces.

    `named` is the verdict of the judge whose evidence stands in the turn. `flags` are what is wrong with a turn of a
    simulated user, and the words of risk of either side.
    """
    verdicts = {_turn_of(rating, dialogue): rating.verdict.success for rating in ratings if rating.verdict}
    quotes = [rating.verdict.quote for rating in ratings if rating.verdict and rating.verdict.quote]
    flags, crisis = flags_by_turn(dialogue), crisis_by_turn(dialogue)
    counted = {id(turn) for turn in counted_turns(dialogue.turns)}
    return [
        {
            **turn.model_dump(mode="json", exclude={"content"}),
            "counted": id(turn) in counted,
            "named": verdicts.get(number),
            "flags": [*flags.get(number, []), *([crisis[number]] if number in crisis else [])],
            "pieces": _pieces(turn, dialogue.language, quotes),
        }
        for number, turn in enumerate(dialogue.turns)
    ]


def _turn_of(rating: Rating, dialogue: Dialogue) -> int | None:
    verdict = rating.verdict
    if verdict is None:
        return None
    if verdict.turn is not None:
        return verdict.turn
    quote_match = find_quote(verdict.quote or "", dialogue.turns)
    return quote_match[0] if quote_match else None


def _pieces(turn: Turn, language: Language, quotes: Sequence[str]) -> list[list[Any]]:
    """Return the text in runs of (text, question type or None, whether it is the judge's evidence)."""
    marked = [(first, last, kind) for first, last, kind in _asking(turn, language)]
    proofs = [(first, first + len(quote)) for quote in quotes if (first := turn.content.find(quote)) >= 0]
    ends = {0, len(turn.content), *(end for first, last, _ in marked for end in (first, last))}
    ends |= {end for proof in proofs for end in proof}
    cut_points = sorted(ends)
    pieces: list[list[Any]] = []
    for first, last in pairwise(cut_points):
        kind = next((kind for start, end, kind in marked if start <= first < end), None)
        pieces.append([turn.content[first:last], kind, any(start <= first < end for start, end in proofs)])
    return pieces


def _asking(turn: Turn, language: Language) -> Iterable[tuple[int, int, str]]:
    """Yield where the supporter asks, and the type of question."""
    position = 0
    for sentence in questions(turn.content, language) if turn.role == "supporter" else []:
        first = turn.content.find(sentence.text, position)
        if first >= 0 and sentence.type != "none":
            position = first + len(sentence.text)
            yield first, position, sentence.type


def rating_of(rating: Rating, scale: Scale | None, language: Language, calls: Calls) -> dict[str, Any]:
    """Return a rating with the wording, direction and range of its items, and the reason that the judge wrote."""
    _, of_scale, sha = rating.prompt_sha.rpartition(".")
    # Another wording of the scale would put words beside an answer that the judge never saw.
    reworded = scale is not None and bool(of_scale) and sha != scale.sha
    known = {item.id: item for item in scale.items} if scale and not (reworded or rating.not_applicable) else {}
    items = []
    for name in dict.fromkeys([*known, *rating.items]):
        item = known.get(name)
        text = getattr(item, language, "") or (item and (item.en or item.zh)) or ""
        why = rating.missing.get(name) or rating.missing.get("*")
        answer = {"id": name, "text": text, "value": rating.items.get(name), "missing": why}
        items.append({**answer, "reverse": bool(item and item.reverse)})
    replies = [calls["calls"][key]["reply"] for key in rating.calls if key in calls["calls"]]
    return {
        **rating.model_dump(mode="json", exclude={"items", "prompt_id", "prompt_sha"}),
        "items": items,
        "range": list(scale.range) if scale else None,
        "reason": reason_in(replies[-1]) if replies else None,
    }


def path_of(events: Events) -> list[dict[str, Any]]:
    """Return the nodes in the order in which the dialogue passed them, with the calls of each.

    If an event was written twice, the later one counts.
    """
    calls: dict[tuple[Any, ...], dict[str, None]] = {}
    nodes: dict[tuple[Any, ...], dict[str, Any]] = {}
    ended: set[str] = set()
    for event in events:
        key = (event["graph"], event["step"], event.get("node"), event.get("task"))
        if event["event"] == "call":
            calls.setdefault(key, {})[event["call"]] = None
        elif event["event"] == "node":
            nodes[key] = {name: event.get(name) for name in ("graph", "step", "node", "task", "updated")}
        elif event["event"] == "end":
            ended.add(event["graph"])
    order = {graph: number for number, graph in enumerate(dict.fromkeys(key[0] for key in nodes))}
    visited = sorted(nodes.items(), key=lambda pair: (order[pair[0][0]], pair[0][1]))
    return [{**node, "calls": list(calls.get(key, {})), "ended": key[0] in ended} for key, node in visited]
