"""SVG as text: elements, text that is cut to fit, axes and their ticks, and the one style sheet of all charts.

Colours are classes of `STYLE`, so that a page can show charts under a content policy without inline styles and switch
them between light and dark. Everything that comes from data is escaped here and nowhere else.
"""

import math
import re
import unicodedata
from collections.abc import Iterable
from html import escape

from cocoon.reports.tables.records import one_line

WIDTH, NARROW = 720.0, 340.0
"""Widths of a chart, for a page and for a phone."""
COLOURS = 6
"""Fills p0 to p5. Dashes and shapes of marks vary with them, so that colour is never the only difference."""

STYLE = (
    """
.chart { --ink: #1c2024; --soft: #59616a; --grid: #e3e6e9; --page: #fff;
  --p0: #0b43b7; --p1: #c84e00; --p2: #1e8255; --p3: #a0518f; --p4: #5d3000; --p5: #232a31;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC",
    sans-serif; font-size: 12px; font-variant-numeric: tabular-nums; }
@media screen and (prefers-color-scheme: dark) { .chart { --ink: #e8eaed; --soft: #a8b0b8; --grid: #2e343a;
  --page: #15181b; --p0: #578eff; --p1: #df7f2d; --p2: #6aef87; --p3: #c070aa; --p4: #ffec4a; --p5: #b4d7c3; } }
.chart text { fill: var(--ink); }
.chart .c-title { font-size: 15px; font-weight: 600; }
.chart .c-panel { font-weight: 600; }
.chart .c-soft { fill: var(--soft); }
.chart .c-tick { fill: var(--soft); font-size: 11px; }
.chart .c-note { fill: var(--soft); font-size: 11px; }
.chart .c-none { fill: var(--soft); font-style: italic; }
.chart .c-in { fill: var(--page); font-size: 11px; }
.chart .c-on { font-size: 11px; }
.chart .c-grid { stroke: var(--grid); stroke-width: 1; }
.chart .c-axis { stroke: var(--soft); stroke-width: 1; }
.chart .c-whisker { stroke: var(--ink); stroke-width: 1.5; fill: none; }
.chart .c-edge { stroke: var(--page); stroke-width: 1.25; }
.chart .c-page { fill: var(--page); }
.chart .c-quiet { fill: var(--grid); }
.chart .c-tint { fill-opacity: .3; }
.chart .c-band { fill-opacity: .16; }
.chart .c-cloud { fill-opacity: .22; }
.chart .c-line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart .c-error { fill: none; stroke-width: 1.5; }
"""
    + "".join(
        f".chart .p{number} {{ fill: var(--p{number}); }} .chart .s{number} {{ stroke: var(--p{number}); }}\n"
        for number in range(COLOURS)
    )
    + "".join(f".chart .o{step} {{ fill: var(--p0); fill-opacity: {0.14 + 0.215 * step:.3f}; }}\n" for step in range(5))
)

_NO_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Return text on one line that XML allows and that is safe between tags and in a quoted attribute."""
    return escape(_NO_XML.sub("\ufffd", one_line(text)), quote=True)


def number(value: float) -> str:
    """Return a coordinate with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def element(name: str, /, *inside: str, **attributes: str | float) -> str:
    """Return an element. Attribute names are written with _ for -.

    Text among `inside` must be clean already.
    """
    pairs = (
        f' {key.rstrip("_").replace("_", "-")}="{clean(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
    )
    head = f"<{name}{''.join(pairs)}"
    return f"{head}>{''.join(inside)}</{name}>" if inside else f"{head}/>"


def text(x: float, y: float, words: str, look: str = "", anchor: str = "start", room: float | None = None) -> str:
    """Return one line of text. If it is cut to `room` pixels, its full wording is in a tooltip."""
    fitted = one_line(words) if room is None else fit_words(words, room)
    hint = [element("title", clean(words))] if fitted != one_line(words) else []
    return element("text", *hint, clean(fitted), x=x, y=y, class_=look, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=look)


def box(x: float, y: float, width: float, height: float, look: str, hint: str = "") -> str:
    """Return a rectangle with a tooltip."""
    inside = [element("title", clean(hint))] if hint else []
    return element("rect", *inside, x=x, y=y, width=max(0.0, width), height=max(0.0, height), class_=look)


def shape(x: float, y: float, kind: int, size: float = 4.5, hint: str = "") -> str:
    """Return the mark of series `kind`: circle, square, triangle, diamond, and again."""
    inside = [element("title", clean(hint))] if hint else []
    look = f"p{kind % COLOURS} c-edge"
    if kind % 4 == 0:
        return element("circle", *inside, cx=x, cy=y, r=size, class_=look)
    r = size * (0.9, 0.9, 1.25, 1.3)[kind % 4]
    corners = (
        [],
        [(-r, -r), (r, -r), (r, r), (-r, r)],
        [(0, -r), (r, 0.8 * r), (-r, 0.8 * r)],
        [(0, -r), (r, 0), (0, r), (-r, 0)],
    )
    points = " ".join(f"{number(x + dx)},{number(y + dy)}" for dx, dy in corners[kind % 4])
    return element("polygon", *inside, points=points, class_=look)


def width_of(words: str, size: float = 12) -> float:
    """Estimate the pixels that a text takes: a wide character is one em, others a little over half."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in words)
    return size * (wide + 0.56 * (len(words) - wide))


def fit_words(words: str, room: float, size: float = 12) -> str:
    """Return the text, cut with … where it would take more than `room` pixels."""
    fitted = one_line(words)
    if width_of(fitted, size) <= room:
        return fitted
    while fitted and width_of(fitted, size) + size > room:
        fitted = fitted[:-1]
    return f"{fitted.rstrip()}…"


def wrap(words: str, room: float, size: float = 11) -> list[str]:
    """Return lines no wider than `room`. Chinese breaks between any two characters, other text at spaces."""
    lines, current = list[str](), ""
    for part in re.findall(r"[\u2e80-\u9fff\uf900-\uffef]|[^\s\u2e80-\u9fff\uf900-\uffef]+|\s+", one_line(words)):
        if width_of((current + part).rstrip(), size) > room and current.strip():
            lines.append(current.strip())
            current = ""
        current += part
    return [*lines, current.strip()] if current.strip() else lines


class Axis:
    """Maps values of `low` to `high` to pixels of `start` to `end`, with round ticks inside."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high if high > low else low + 1, start, end

    def at(self, value: float) -> float:
        """Return the pixel of a value. Values outside the range are put at the border."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 6, whole: bool = False) -> list[float]:
        """Return at most `most` round values from low to high, whole numbers if `whole`."""
        step = _round_step((self.high - self.low) / max(1, most - 1), whole)
        first = math.ceil(round(self.low / step, 9))
        last = math.floor(round(self.high / step, 9))
        return [round(multiple * step, 10) for multiple in range(first, last + 1)]


def _round_step(least: float, whole: bool) -> float:
    size = 10.0 ** math.floor(math.log10(least))
    step = next(size * part for part in (1, 2, 2.5, 5, 10) if size * part >= least * (1 - 1e-9))
    return max(1.0, math.ceil(step)) if whole else step


def labels(ticks: Iterable[float], percent: bool = False) -> list[str]:
    """Return ticks with as many decimals as the finest of them needs, the same number for all."""
    values = [100 * tick if percent else tick for tick in ticks]
    digits = next((d for d in range(4) if all(abs(round(value, d) - value) < 1e-9 for value in values)), 4)
    return [f"{value:z.{digits}f}{'%' if percent else ''}" for value in values]


def document(
    name: str,
    height: float,
    title: str,
    told: str,
    parts: Iterable[str],
    standalone: bool,
    margin: float = 0,
    width: float = WIDTH,
) -> str:
    """Return the complete drawing. `told` describes in words what it shows.

    With `standalone` the drawing contains its style and background. A class says whether it is for a page or a phone.
    """
    width += 2 * margin
    body = [element("title", clean(title), id=f"{name}-title"), element("desc", clean(told), id=f"{name}-desc")]
    if standalone:
        body += [element("style", STYLE), element("rect", width=width, height=height, class_="c-page")]
    return element(
        "svg",
        *body,
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        class_="chart" if standalone else f"chart {'narrow' if width <= NARROW else 'wide'}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        **({"width": width, "height": height} if standalone else {}),
    )
