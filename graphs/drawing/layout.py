"""Positions of boxes and arrows: rows from start to end, and lanes beside them for what skips rows or goes back.

No arrow crosses a box. An arrow to the next row stays in the gap between the two. Every other arrow runs in a lane of
its own outside all boxes (forward on the right, back on the left), and reaches it through a gap or past free sides.
Lengths are in SVG user units (CSS pixels at natural size), and y grows downwards.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cocoon.graphs.drawing.draw import Drawing, Edge, Node

BOX_HEIGHT, ROW_GAP, COLUMN_GAP = 40.0, 52.0, 40.0
NARROWEST, PADDING = 116.0, 18.0
LANE_GAP, PORT_GAP, INTO_GAP = 30.0, 12.0, 14.0
BOX_FONT, LABEL_FONT = 15.0, 13.0
Point = tuple[float, float]
Side = Literal["right", "left"]


@dataclass(frozen=True)
class Box:
    """A node's rectangle: centre, width and height."""

    node: Node
    row: int
    x: float
    y: float
    width: float
    height: float = BOX_HEIGHT


@dataclass(frozen=True)
class Route:
    """An arrow's way: corner points (a `straight` one: start and end of a curve), and where its label stands."""

    edge: Edge
    points: list[Point]
    straight: bool
    label_at: Point
    anchor: Literal["start", "end"]


@dataclass(frozen=True)
class Layout:
    """Everything with its place."""

    boxes: dict[str, Box]
    routes: list[Route]


@dataclass
class _Lane:
    edge: Edge
    side: Side
    number: int = 0
    x: float = 0.0


def text_width(text: str, size: float) -> float:
    """About how wide a text is set in a sans-serif of that size: Han signs are square, Latin about half as wide."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return size * (wide + 0.56 * (len(text) - wide))


def lay_out(drawing: Drawing) -> Layout:
    """Places for a drawing's boxes and arrows."""
    rows = _rows(drawing)
    boxes = _boxes(drawing, rows)
    beside = [_Lane(edge, "left" if rows[edge.target] <= rows[edge.source] else "right") for edge in drawing.edges]
    lanes = [lane for lane in beside if rows[lane.edge.target] != rows[lane.edge.source] + 1]
    _place_lanes(lanes, boxes)
    by_edge = {lane.edge: lane for lane in lanes}
    ports = _ports(lanes, boxes)
    routes = [
        _beside(by_edge[edge], boxes, ports) if edge in by_edge else _straight(edge, boxes) for edge in drawing.edges
    ]
    return Layout(boxes, routes)


def _rows(drawing: Drawing) -> dict[str, int]:
    """Return a row for each node: the longest way to it from a node without arrows in, arrows back left out."""
    back = _back_edges(drawing)
    rows = {node.id: 0 for node in drawing.nodes}
    forward = [edge for edge in drawing.edges if edge not in back]
    for _ in drawing.nodes:
        for edge in forward:
            rows[edge.target] = max(rows[edge.target], rows[edge.source] + 1)
    for node in drawing.nodes:
        if node.kind == "end":
            others = [row for name, row in rows.items() if name != node.id]
            rows[node.id] = max(others, default=-1) + 1
    return rows


def _back_edges(drawing: Drawing) -> set[Edge]:
    """Return the arrows that close a loop in a search by depth. Without them no node leads to itself."""
    leaving: dict[str, list[Edge]] = {node.id: [] for node in drawing.nodes}
    for edge in drawing.edges:
        leaving[edge.source].append(edge)
    back: set[Edge] = set()
    done: set[str] = set()
    walked: set[str] = set()

    def walk(name: str) -> None:
        walked.add(name)
        for edge in leaving[name]:
            if edge.target not in walked:
                walk(edge.target)
            elif edge.target not in done:
                back.add(edge)
        done.add(name)

    for node in sorted(drawing.nodes, key=lambda node: node.kind != "start"):
        if node.id not in walked:
            walk(node.id)
    return back


def _boxes(drawing: Drawing, rows: dict[str, int]) -> dict[str, Box]:
    widest = max((text_width(node.label, BOX_FONT) + 2 * PADDING for node in drawing.nodes), default=0.0)
    width = max(NARROWEST, widest)
    boxes: dict[str, Box] = {}
    for row in sorted(set(rows.values())):
        inside = [node for node in drawing.nodes if rows[node.id] == row]
        inside.sort(key=lambda node: _middle_of_parents(node, drawing.edges, boxes))
        step = width + COLUMN_GAP
        leftmost = -step * (len(inside) - 1) / 2
        for column, node in enumerate(inside):
            own = width if node.kind == "step" else text_width(node.label, BOX_FONT) + 2 * PADDING
            boxes[node.id] = Box(node, row, leftmost + column * step, row * (BOX_HEIGHT + ROW_GAP), own)
    return boxes


def _middle_of_parents(node: Node, edges: Iterable[Edge], boxes: dict[str, Box]) -> float:
    places = [boxes[edge.source].x for edge in edges if edge.target == node.id and edge.source in boxes]
    return sum(places) / len(places) if places else 0.0


def _place_lanes(lanes: list[_Lane], boxes: dict[str, Box]) -> None:
    """Put short ways inside and long ones outside. Lanes whose rows meet get different numbers."""
    outside = max((abs(box.x) + box.width / 2 for box in boxes.values()), default=0.0)
    for side, sign in (("right", 1.0), ("left", -1.0)):
        placed: list[_Lane] = []
        for lane in sorted((lane for lane in lanes if lane.side == side), key=lambda lane: _span(lane, boxes)[2]):
            taken = {other.number for other in placed if _meet(_span(lane, boxes), _span(other, boxes))}
            lane.number = next(number for number in range(len(lanes) + 1) if number not in taken)
            placed.append(lane)
        x = outside + LANE_GAP
        for number in range(max((lane.number for lane in placed), default=-1) + 1):
            inside = [lane for lane in placed if lane.number == number]
            for lane in inside:
                lane.x = sign * x
            x += LANE_GAP + max(text_width(lane.edge.label, LABEL_FONT) for lane in inside)


def _span(lane: _Lane, boxes: dict[str, Box]) -> tuple[int, int, int]:
    first, last = sorted((boxes[lane.edge.source].row, boxes[lane.edge.target].row))
    return first, last, last - first


def _meet(first: tuple[int, int, int], second: tuple[int, int, int]) -> bool:
    # An arrow that leaves or comes through a gap reaches into the rows beside its own.
    return first[0] <= second[1] + 1 and second[0] <= first[1] + 1


def _ports(lanes: Sequence[_Lane], boxes: dict[str, Box]) -> dict[tuple[Edge, str], float]:
    """Return the height, from a box's middle, at which each lane's arrow touches its side, so that no arrows cross
    there.
    """
    at: dict[tuple[str, Side], list[tuple[tuple[float, float], Edge, str]]] = {}
    for lane in lanes:
        for end, name, other in (
            ("out", lane.edge.source, lane.edge.target),
            ("in", lane.edge.target, lane.edge.source),
        ):
            upwards = boxes[other].row < boxes[name].row or (other == name and end == "in")
            order = (0.0, abs(lane.x)) if upwards else (1.0, -abs(lane.x))
            at.setdefault((name, lane.side), []).append((order, lane.edge, end))
    ports: dict[tuple[Edge, str], float] = {}
    for used in at.values():
        used.sort(key=lambda port: port[0])
        step = min(PORT_GAP, (BOX_HEIGHT - PORT_GAP) / len(used))
        for number, (_, edge, end) in enumerate(used):
            ports[edge, end] = (number - (len(used) - 1) / 2) * step
    return ports


def _straight(edge: Edge, boxes: dict[str, Box]) -> Route:
    source, target = boxes[edge.source], boxes[edge.target]
    start = (source.x, source.y + source.height / 2)
    end = (target.x, target.y - target.height / 2)
    middle = ((start[0] + end[0]) / 2 + 9, (start[1] + end[1]) / 2)
    return Route(edge, [start, end], True, middle, "start")


def _beside(lane: _Lane, boxes: dict[str, Box], ports: dict[tuple[Edge, str], float]) -> Route:
    edge = lane.edge
    out = _to_lane(boxes[edge.source], lane, ports[edge, "out"], boxes, leaving=True)
    back = _to_lane(boxes[edge.target], lane, ports[edge, "in"], boxes, leaving=False)
    right = lane.side == "right"
    label = (lane.x + (9 if right else -9), (out[-1][1] + back[-1][1]) / 2)
    return Route(edge, [*out, *reversed(back)], False, label, "start" if right else "end")


def _to_lane(box: Box, lane: _Lane, port: float, boxes: dict[str, Box], *, leaving: bool) -> list[Point]:
    """From a box out to its lane: by the side where nothing stands between, else through the gap beside its row."""
    sign = 1 if lane.side == "right" else -1
    between = any(other.row == box.row and (other.x - box.x) * sign > 0 for other in boxes.values())
    if not between:
        return [(box.x + sign * box.width / 2, box.y + port), (lane.x, box.y + port)]
    down = 1 if leaving else -1
    x, edge_y = box.x + sign * box.width / 4, box.y + down * box.height / 2
    return [(x, edge_y), (x, edge_y + down * INTO_GAP), (lane.x, edge_y + down * INTO_GAP)]
