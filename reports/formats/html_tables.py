"""Tables of a report as HTML: each fits its page, and each figure leads to the dialogues behind it."""

from dataclasses import dataclass

from cocoon.core.records import Language
from cocoon.reports.formats.html_text import escape_html, linked
from cocoon.reports.narrative.abbreviations import extent, meaning, short_names
from cocoon.reports.narrative.trace_links import dialogues_behind
from cocoon.reports.narrative.translation import translated
from cocoon.reports.tables.records import Row, Table, cell_lines

_NAMES, _MEASURED = {"Supporter", "Judge", "Prompt", "Hash", "Node"}, {"Measure", "Dimension"}
"""Key columns with names that people gave, which are never translated, and with names of scales and dimensions."""
_MOST_ACROSS, _FEW = 4, 2
"""So many groups stand side by side in the main table, and so few on a phone without breaking an interval."""


@dataclass(frozen=True)
class TableWriter:
    """Writes tables in a language. `trace` is the address of the trace page, empty where there is none."""

    language: Language
    trace: str = ""

    def section(self, table: Table) -> str:
        """Return a table with its heading and its note."""
        note = f'<p class="note">{self._text(table.note)}</p>' if table.note else ""
        return f'<section>\n<h3 id="{table.id}">{self._text(table.title)}</h3>\n{self.body(table)}\n{note}\n</section>'

    def body(self, table: Table) -> str:
        """Return a table. Keys that are the same in all rows stand above it once."""
        if table.id == "main" and 0 < len(table.rows) <= _MOST_ACROSS:
            return self._across(table)
        fixed = _fixed_keys(table) if len(table.rows) > 1 else set()
        keys = [index for index in range(len(table.keys)) if index not in fixed]
        heads = [f'<th scope="col" class="key">{self._text(table.keys[index])}</th>' for index in keys]
        heads += [f'<th scope="col">{self._named(measure)}</th>' for measure in table.measures]
        names = [short_names(row.labels[index] for row in table.rows) for index in range(len(table.keys))]
        rows = "\n".join(self._row(table, row, keys, names) for row in table.rows)
        return (
            f"{self._fixed(table, sorted(fixed), names)}"
            f'<table class="rows" aria-labelledby="{table.id}">\n<thead><tr>{"".join(heads)}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody>\n</table>"
        )

    def _across(self, table: Table) -> str:
        """Return the main table with a row for each measure, named in full, and a column for each group."""
        fixed = _fixed_keys(table)
        keys = [index for index in range(len(table.keys)) if index not in fixed or (len(table.rows) == 1 and not index)]
        names = [short_names(row.labels[index] for row in table.rows) for index in range(len(table.keys))]
        above = [index for index in sorted(fixed) if index not in keys]
        heads = "".join(
            f'<th scope="col">{"<br>".join(self._label(table, row, index, names) for index in keys)}</th>'
            for row in table.rows
        )
        lines = "\n".join(
            f'<tr><th scope="row" class="key">{self._named(measure, with_extent=True)}</th>'
            f"{''.join(self._cell(table, row, measure) for row in table.rows)}</tr>"
            for measure in table.measures
            if any(row.cells.get(measure) is not None for row in table.rows)
        )
        look = "across few" if len(table.rows) <= _FEW else "across"
        return (
            f"{self._fixed(table, above, names)}"
            f'<table class="{look}" aria-labelledby="{table.id}">\n<thead><tr><td></td>{heads}</tr></thead>\n'
            f"<tbody>\n{lines}\n</tbody>\n</table>"
        )

    def _fixed(self, table: Table, fixed: list[int], names: list[dict[str, str]]) -> str:
        if not fixed:
            return ""
        parts = (
            f"{self._text(table.keys[index])} {self._label(table, table.rows[0], index, names)}" for index in fixed
        )
        return f'<p class="fixed">{self._text("All rows")}: {" · ".join(parts)}</p>\n'

    def _row(self, table: Table, row: Row, keys: list[int], names: list[dict[str, str]]) -> str:
        labels = "".join(f'<th scope="row" class="key">{self._label(table, row, index, names)}</th>' for index in keys)
        return f"<tr>{labels}{''.join(self._cell(table, row, measure) for measure in table.measures)}</tr>"

    def _label(self, table: Table, row: Row, index: int, names: list[dict[str, str]]) -> str:
        key, label = table.keys[index], row.labels[index]
        short = names[index].get(label, label)
        text = escape_html(short) if key in _NAMES else self._text(short)
        if key in _MEASURED and text == escape_html(short):
            # A measure is named by its scale and its dimension, each of which has a name of its own.
            text = " ".join(map(self._text, short.split(" ")))
        return text if short == label else f'<abbr title="{escape_html(label)}">{text}</abbr>'

    def _cell(self, table: Table, row: Row, measure: str) -> str:
        cell = row.cells.get(measure)
        first, *rest = [self._text(line) for line in cell_lines(cell, table.digits.get(measure, 2))]
        behind = dialogues_behind(table, row, measure) if self.trace and cell is not None else None
        value = linked(first, None if behind is None else f"{self.trace}#{behind}")
        label = escape_html(
            " · ".join(filter(None, [translated(measure, self.language), meaning(measure, self.language)]))
        )
        return f'<td data-label="{label}">{value}{"".join(f"<small>{line}</small>" for line in rest)}</td>'

    def _named(self, label: str, *, with_extent: bool = False) -> str:
        """Return a short name with what it means, to be seen and to be pointed at."""
        name, text = meaning(label, self.language), self._text(label)
        if not name:
            return text
        reach = extent(label, self.language) if with_extent else ""
        title = ", ".join(filter(None, [name, extent(label, self.language)]))
        small = ", ".join(filter(None, [name, reach]))
        return f'<abbr title="{escape_html(title)}">{text}</abbr><small>{escape_html(small)}</small>'

    def _text(self, text: str) -> str:
        return escape_html(translated(text, self.language))


def _fixed_keys(table: Table) -> set[int]:
    """Return the key columns that have one label in all rows."""
    return {index for index in range(len(table.keys)) if len({row.labels[index] for row in table.rows}) == 1}
