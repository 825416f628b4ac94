"""How often the edges of the graphs were walked, counted from a run's trace."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from langgraph.graph import END, START

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines
from cocoon.core.outside.events import checked_event

Walks = dict[str, Counter[tuple[str, str]]]


def walked_edges(run: Path) -> Walks:
    """Return how often each edge (source, target) was used, by the name of the graph in the trace.

    Raises CocoonError without a trace.
    """
    path = run / "trace.jsonl"
    if not path.is_file():
        raise CocoonError(f"{run} has no trace.jsonl; give a run folder, or the name of a graph")
    steps: dict[tuple[str, str], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    ended: set[tuple[str, str]] = set()
    for number, value in read_lines(path):
        event = checked_event(value, f"{path}, line {number}")
        key = (event["graph"], event["dialogue"])
        if event["event"] == "node":
            steps[key][event["step"]].add(event["node"])
        elif event["event"] == "end":
            ended.add(key)
    counts: Walks = defaultdict(Counter)
    for key, own in steps.items():
        counts[key[0]].update(_edges(own, over=key in ended))
    return dict(counts)


def _edges(steps: dict[int, set[str]], *, over: bool) -> Iterable[tuple[str, str]]:
    """Edges of one walk: from every node of a step to every node of the next."""
    order: list[Any] = [{START}, *(steps[number] for number in sorted(steps))]
    if over:
        order.append({END})
    for before, after in pairwise(order):
        yield from ((source, target) for source in sorted(before) for target in sorted(after))
