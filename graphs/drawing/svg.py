"""A drawing as SVG: one file without script, fonts or anything from elsewhere, in light or dark colours."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape

from cocoon.graphs.drawing.draw import Drawing, Edge
from cocoon.graphs.drawing.layout import BOX_FONT, LABEL_FONT, Box, Layout, Point, Route, lay_out, text_width

MARGIN, HEAD, FOOT, CORNER = 28.0, 34.0, 34.0, 16.0
LEGEND = "dashed: a rule decides at run time"
STYLE = """
svg { --paper: #ffffff; --ink: #1f2933; --quiet: #52606d; --line: #7b8794; --box: #eef2f7; --rim: #b8c4d0;
      --mark: #2f5d8a; --on-mark: #ffffff; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #15191e; --ink: #e6eaee; --quiet: #a7b3be; --line: #8493a1; --box: #232b34; --rim: #46535f;
        --mark: #8fbde8; --on-mark: #10151a; }
}
text { font-family: system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", sans-serif; }
.paper { fill: var(--paper); }
.title { fill: var(--ink); font-size: 15px; font-weight: 600; }
.legend { fill: var(--quiet); font-size: 12px; }
.step rect { fill: var(--box); stroke: var(--rim); stroke-width: 1.2; }
.start rect { fill: var(--mark); stroke: var(--mark); }
.end rect { fill: var(--paper); stroke: var(--mark); stroke-width: 1.6; }
.node text { fill: var(--ink); font-size: 15px; text-anchor: middle; dominant-baseline: central; }
.start text { fill: var(--on-mark); }
.edge path { fill: none; stroke: var(--line); stroke-width: 1.6; marker-end: url(#arrow); }
.conditional path { stroke-dasharray: 6 4; }
.edge text { fill: var(--quiet); font-size: 13px; dominant-baseline: central;
             paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }
#arrow path { fill: var(--line); }
"""


def to_svg(drawing: Drawing, walked: Mapping[tuple[str, str], int] | None = None) -> str:
    """Return the picture of a drawing as the text of an SVG file.

    `walked` counts how often edges (source, target) were taken: their lines are as thick as they were frequent, and the
    number stands beside them.
    """
    if walked is not None:
        drawing = _counted(drawing, walked)
    layout = lay_out(drawing)
    left, top, width, height = _frame(drawing, layout)
    title = escape(drawing.name)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="name about" width="{width:g}" '
            f'height="{height:g}" viewBox="{left:g} {top:g} {width:g} {height:g}">',
            f'<title id="name">{title}</title>',
            f'<desc id="about">{escape(_in_words(drawing))}</desc>',
            f"<style>{STYLE}</style>",
            '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path d="M 0 1 L 10 5 L 0 9 z"/></marker></defs>',
            f'<rect class="paper" x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="10"/>',
            f'<text class="title" x="{left + MARGIN:g}" y="{top + MARGIN + 6:g}">{title}</text>',
            *(_edge(route, _width(route.edge, walked)) for route in layout.routes),
            *(_node(box) for box in layout.boxes.values()),
            *_legend(drawing, left + MARGIN, top + height - MARGIN + 8),
            "</svg>\n",
        ]
    )


def _frame(drawing: Drawing, layout: Layout) -> tuple[float, float, float, float]:
    """Left, top, width and height that hold everything, head and foot as well."""
    xs: list[float] = []
    ys: list[float] = []
    for box in layout.boxes.values():
        xs += [box.x - box.width / 2, box.x + box.width / 2]
        ys += [box.y - box.height / 2, box.y + box.height / 2]
    for route in layout.routes:
        wide = text_width(route.edge.label, LABEL_FONT) * (1 if route.anchor == "start" else -1)
        xs += [route.label_at[0], route.label_at[0] + wide, *(x for x, _ in route.points)]
        ys += [y for _, y in route.points]
    left, right = min(xs, default=0.0), max(xs, default=0.0)
    least = max(text_width(drawing.name, BOX_FONT) * 1.1, text_width(LEGEND, 12.0) * 1.1)
    spare = max(0.0, least - (right - left)) / 2
    top, bottom = min(ys, default=0.0) - MARGIN - HEAD, max(ys, default=0.0) + MARGIN + FOOT
    left, right = left - spare - MARGIN, right + spare + MARGIN
    return round(left), round(top), round(right - left), round(bottom - top)


def _in_words(drawing: Drawing) -> str:
    label = {node.id: node.label for node in drawing.nodes}
    ways = [
        f"{label[edge.source]} to {label[edge.target]}" + (f" ({edge.label})" if edge.label else "")
        for edge in drawing.edges
    ]
    return "; ".join(ways)


def _node(box: Box) -> str:
    node = box.node
    round_ = box.height / 2 if node.kind != "step" else 8
    corner = f'x="{box.x - box.width / 2:g}" y="{box.y - box.height / 2:g}"'
    about = f"<title>{escape(node.about)}</title>" if node.about else ""
    return (
        f'<g class="node {node.kind}" data-node="{escape(node.id)}">{about}'
        f'<rect {corner} width="{box.width:g}" height="{box.height:g}" rx="{round_:g}"/>'
        f'<text x="{box.x:g}" y="{box.y:g}">{escape(node.label)}</text></g>'
    )


def _counted(drawing: Drawing, walked: Mapping[tuple[str, str], int]) -> Drawing:
    """Return the drawing with the number of walks in every label."""
    edges = [
        replace(edge, label=f"{edge.label} · {times}" if edge.label else str(times))
        for edge in drawing.edges
        for times in [walked.get((edge.source, edge.target), 0)]
    ]
    return replace(drawing, edges=edges)


def _width(edge: Edge, walked: Mapping[tuple[str, str], int] | None) -> float | None:
    """Return the thickness of an edge's line, 0.8 (never used) to 6 (used most often), or None where nothing is
    counted.
    """
    if walked is None:
        return None
    most = max(walked.values(), default=0) or 1
    times = walked.get((edge.source, edge.target), 0)
    return round(0.8 + 5.2 * times / most, 2)


def _edge(route: Route, width: float | None = None) -> str:
    edge = route.edge
    style = f' style="stroke-width: {width}"' if width is not None else ""
    kind = "edge conditional" if edge.conditional else "edge"
    x, y = route.label_at
    label = f'<text x="{x:g}" y="{y:g}" text-anchor="{route.anchor}">{escape(edge.label)}</text>' if edge.label else ""
    return (
        f'<g class="{kind}" data-source="{escape(edge.source)}" data-target="{escape(edge.target)}">'
        f'<path d="{" ".join(_path(route))}"{style}/>{label}</g>'
    )


def _path(route: Route) -> Iterator[str]:
    """Path commands, all absolute: a curve between two rows, or lines with rounded corners along a lane."""
    points = route.points
    yield f"M {_xy(points[0])}"
    if route.straight:
        (x0, y0), (x1, y1) = points
        middle = (y0 + y1) / 2
        yield f"C {_xy((x0, middle))} {_xy((x1, middle))} {_xy((x1, y1))}"
        return
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        yield f"L {_xy(_towards(corner, before, radius))}"
        yield f"Q {_xy(corner)} {_xy(_towards(corner, after, radius))}"
    yield f"L {_xy(points[-1])}"


def _distance(start: Point, goal: Point) -> float:
    return abs(start[0] - goal[0]) + abs(start[1] - goal[1])


def _towards(start: Point, goal: Point, length: float) -> Point:
    distance = _distance(start, goal) or 1.0
    return start[0] + (goal[0] - start[0]) * length / distance, start[1] + (goal[1] - start[1]) * length / distance


def _xy(point: Point) -> str:
    return f"{point[0]:g} {point[1]:g}"


def _legend(drawing: Drawing, x: float, y: float) -> Iterator[str]:
    if any(edge.conditional for edge in drawing.edges):
        yield f'<text class="legend" x="{x:g}" y="{y:g}">{escape(LEGEND)}</text>'
