"""A report as one self-contained HTML page: no script, no external file, light and dark, ready for print."""

import base64
import hashlib
from html import escape

from cocoon.reports.charts.draw import draw_chart
from cocoon.reports.charts.records import Figure
from cocoon.reports.charts.svg import STYLE as CHART_STYLE
from cocoon.reports.tables.records import Cell, Report, Row, Table, cell_lines, one_line

_PAGE_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5b636b; --line: #d5d9dd; --page: #fff;
  --mark: #fff3d6; --edge: #b26a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a3abb3; --line: #3a4148;
  --page: #15181b; --mark: #33270f; --edge: #e0a84a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 96rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
.warning { margin: 0 0 .8rem; padding: .6rem .9rem; background: var(--mark);
  border-left: .3rem solid var(--edge); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--edge); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .4rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top;
  white-space: nowrap; }
thead th { border-bottom: 2px solid var(--ink); font-weight: 600; white-space: normal;
  vertical-align: bottom; }
th.key { min-width: 4.5rem; text-align: left; font-weight: 400; white-space: normal;
  overflow-wrap: anywhere; }
thead th.key { font-weight: 600; white-space: nowrap; overflow-wrap: normal; }
td small { display: block; color: var(--soft); font-size: .72rem; }
.note, .notes { color: var(--soft); font-size: .9rem; max-width: 60rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr));
  gap: 2rem 2.5rem; align-items: start; margin: 2.2rem 0; }
figure { margin: 0; min-width: 0; }
figure .scroll > svg { display: block; width: 100%; min-width: 30rem; height: auto; }
figure h3 { font-size: 1rem; margin: 0 0 .6rem; } figcaption { margin-top: .5rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin: 0 0 .4rem; } }
@page { size: landscape; margin: 12mm; }
@media print { :root { font-size: 7.5pt; } body { max-width: none; padding: 0; }
  .scroll { overflow: visible; } h2 { break-after: avoid; } tr { break-inside: avoid; }
  th, td { padding: .15rem .2rem; } figure { break-inside: avoid; } figure .scroll > svg { min-width: 0; } }
"""
_STYLE = _PAGE_STYLE + CHART_STYLE


def escape_html(text: str) -> str:
    """Return text on one line, safe between tags and in a quoted attribute."""
    return escape(one_line(text), quote=True)


def render_html(report: Report) -> str:
    """Return the whole report. Its content policy forbids everything except this page's own style sheet."""
    body = [
        *(_warning(text) for text in report.warnings),
        f"<h1>{escape_html(report.title)}</h1>",
        _facts(report),
        *(_table(table) for table in report.tables[:1]),
        _figures(report),
        *(_table(table) for table in report.tables[1:]),
        "<h2>Notes</h2>",
        f'<ul class="notes">{"".join(f"<li>{escape_html(note)}</li>" for note in report.notes)}</ul>',
    ]
    return f"{_head(report.title)}<body>\n<main>\n{chr(10).join(body)}\n</main>\n</body>\n</html>\n"


def _head(title: str) -> str:
    sha = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{sha}'; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape_html(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
    )


def _warning(text: str) -> str:
    return f'<p class="warning" role="note"><strong>Warning.</strong> {escape_html(text)}</p>'


def _facts(report: Report) -> str:
    pairs = (f"<dt>{escape_html(name)}</dt><dd>{escape_html(text)}</dd>" for name, text in report.facts)
    return f"<dl>{''.join(pairs)}</dl>"


def _figures(report: Report) -> str:
    return f'<div class="figures">\n{chr(10).join(map(_figure, report.figures))}\n</div>' if report.figures else ""


def _figure(figure: Figure) -> str:
    chart = figure.chart
    note = f'<figcaption class="note">{escape_html(chart.note)}</figcaption>' if chart.note else ""
    return (
        f'<figure lang="{chart.language}">\n<h3 id="figure-{figure.id}">{escape_html(chart.title)}</h3>\n'
        f'<div class="scroll" role="region" aria-labelledby="figure-{figure.id}" tabindex="0">\n'
        f"{draw_chart(chart, f'chart-{figure.id}')}\n</div>\n{note}\n</figure>"
    )


def _table(table: Table) -> str:
    heads = [f'<th scope="col" class="key">{escape_html(key)}</th>' for key in table.keys]
    heads += [f'<th scope="col">{escape_html(measure)}</th>' for measure in table.measures]
    rows = "\n".join(_row(table, row) for row in table.rows)
    note = f'<p class="note">{escape_html(table.note)}</p>' if table.note else ""
    return (
        f'<section>\n<h2 id="{table.id}">{escape_html(table.title)}</h2>\n'
        f'<div class="scroll" role="region" aria-labelledby="{table.id}" tabindex="0">\n'
        f"<table>\n<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>\n"
        f"{note}\n</section>"
    )


def _row(table: Table, row: Row) -> str:
    labels = "".join(f'<th scope="row" class="key">{escape_html(label)}</th>' for label in row.labels)
    cells = "".join(_cell(row.cells.get(name), table.digits.get(name, 2)) for name in table.measures)
    return f"<tr>{labels}{cells}</tr>"


def _cell(cell: Cell, digits: int) -> str:
    first, *rest = [escape_html(line) for line in cell_lines(cell, digits)]
    return f"<td>{first}{''.join(f'<small>{line}</small>' for line in rest)}</td>"
