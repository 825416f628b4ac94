"""A report as one self-contained HTML page: no script, no external file, light and dark, ready for print."""

import base64
import hashlib

from cocoon.reports.charts.draw import draw_both
from cocoon.reports.charts.records import Figure
from cocoon.reports.formats.html_style import PAGE_STYLE
from cocoon.reports.formats.html_tables import TableWriter
from cocoon.reports.formats.html_text import definitions, escape_html, linked
from cocoon.reports.narrative.abbreviations import short_names
from cocoon.reports.narrative.phrases import phrase
from cocoon.reports.narrative.records import Excerpt, QuotedTurn
from cocoon.reports.narrative.trace_links import dialogue_address, dialogues_drawn
from cocoon.reports.narrative.translation import translated
from cocoon.reports.tables.records import Report


def render_html(report: Report) -> str:
    """Return the whole report. Its content policy forbids everything except this page's own style sheet."""
    body = _Page(report).body()
    return f"{_head(report)}<body>\n<main>\n{chr(10).join(filter(None, body))}\n</main>\n</body>\n</html>\n"


def _head(report: Report) -> str:
    sha = base64.b64encode(hashlib.sha256(PAGE_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{sha}'; base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="{report.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape_html(translated(report.title, report.language))}</title>\n"
        f"<style>{PAGE_STYLE}</style>\n</head>\n"
    )


class _Page:
    """The parts of a report's page. Results come first, and how they were made comes last."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.tables = TableWriter(report.language, report.trace)

    def body(self) -> list[str]:
        """Return the parts in their order. A report without findings begins with its facts."""
        report = self.report
        told = bool(report.findings)
        return [
            *(self._warning(text) for text in report.warnings),
            f"<h1>{self._text(report.title)}</h1>",
            f'<p class="compared">{escape_html(report.compared)}</p>' if report.compared else "",
            self._contents() if told else "",
            self._findings() if told else self._facts(),
            *(self.tables.section(table) for table in report.tables[:1]),
            self._excerpts() if report.excerpts else "",
            self._figures(),
            self._more_tables(),
            self._notes(),
            self._methods(),
            self._provenance() if told else "",
        ]

    def _text(self, text: str) -> str:
        return escape_html(translated(text, self.report.language))

    def _heading(self, name: str, text: str) -> str:
        return f'<h2 id="{name}">{self._text(text)}</h2>'

    def _warning(self, text: str) -> str:
        return f'<p class="warning" role="note"><strong>{self._text("Warning.")}</strong> {self._text(text)}</p>'

    def _contents(self) -> str:
        report = self.report
        words = [("words", "In their words")] if report.excerpts else []
        figures = [("figures", "Figures")] if report.figures else []
        methods = [("methods", "Methods")] if report.methods else []
        parts = [("found", "What was found"), *words, *figures, ("tables", "All tables"), ("notes", "Notes"), *methods]
        parts.append(("provenance", "Provenance"))
        items = [f'<li><a href="#{name}">{self._text(text)}</a></li>' for name, text in parts]
        if self.report.trace:
            items.append(f"<li>{linked(self._text('All dialogues'), self.report.trace)}</li>")
        return f'<nav aria-label="{self._text("Contents")}"><ul>{"".join(items)}</ul></nav>'

    def _findings(self) -> str:
        items = "".join(f"<li>{escape_html(finding)}</li>" for finding in self.report.findings)
        leads = f"{self._text('Every number leads to the dialogues behind it.')} " if self.report.trace else ""
        quoted = linked(self._text("Best, worst and disputed dialogue"), "#words") if self.report.excerpts else ""
        hint = f'<p class="note">{leads}{quoted}</p>' if leads or quoted else ""
        return f'{self._heading("found", "What was found")}\n<ol class="findings">{items}</ol>\n{hint}'

    def _facts(self) -> str:
        return definitions((translated(name, self.report.language), text) for name, text in self.report.facts)

    def _excerpts(self) -> str:
        excerpts = [excerpt for excerpt in self.report.excerpts if excerpt.turns]
        cards = "\n".join(map(self._excerpt, excerpts))
        calm = (
            ""
            if any(excerpt.kind == "disputed" for excerpt in excerpts)
            else phrase("undisputed", self.report.language)
        )
        note = f'<p class="note">{escape_html(calm)}</p>' if calm else ""
        return f'{self._heading("words", "In their words")}\n<div class="excerpts">\n{cards}\n</div>\n{note}'

    def _excerpt(self, excerpt: Excerpt) -> str:
        language = self.report.language
        about = [(name, text) for name, text in (("Feeling", excerpt.feeling), ("Need", excerpt.need)) if text]
        first, last = excerpt.turns[0].number, excerpt.turns[-1].number
        place = translated(f"turns {first} to {last} of {excerpt.total}", language)
        names = short_names(opinion.judge for opinion in excerpt.opinions)
        opinions = "".join(
            f"<li><b>{escape_html(names[opinion.judge])}</b>: "
            f"{escape_html(opinion.outcome)}{'. ' if opinion.reason else ''}{escape_html(opinion.reason)}</li>"
            for opinion in excerpt.opinions
        )
        address = f"{self.report.trace}#{dialogue_address(excerpt.dialogue)}" if self.report.trace else None
        more = f"<p>{linked(self._text('Read the whole dialogue'), address)}</p>" if address else ""
        return (
            f'<article class="excerpt {excerpt.kind}">\n'
            f"<h3>{self._text(excerpt.kind.capitalize())}: {escape_html(excerpt.supporter)}"
            f"<small>{escape_html(excerpt.why)}</small></h3>\n"
            f"{definitions((translated(name, language), text) for name, text in about)}\n"
            f'<p class="note">{escape_html(place)}</p>\n{"".join(map(self._turn, excerpt.turns))}\n'
            f'<ul class="opinions">{opinions}</ul>\n{more}\n</article>'
        )

    def _turn(self, turn: QuotedTurn) -> str:
        proof = self._text("judge's evidence")
        pieces = "".join(
            f'<mark title="{proof}">{_words(text)}</mark>' if marked else _words(text) for text, marked in turn.pieces
        )
        return f'<p class="turn {turn.role}"><b>{self._text(turn.role.capitalize())} {turn.number}</b> {pieces}</p>\n'

    def _figures(self) -> str:
        if not self.report.figures:
            return ""
        figures = "\n".join(map(self._figure, self.report.figures))
        heading = self._heading("figures", "Figures") if self.report.findings else ""
        return f'{heading}\n<div class="figures">\n{figures}\n</div>'

    def _figure(self, figure: Figure) -> str:
        chart = figure.chart
        behind = f"{self.report.trace}#{dialogues_drawn(figure.id)}" if self.report.trace else None
        link = f" {linked(self._text('The dialogues behind it'), behind)}" if behind else ""
        note = f"<figcaption>{escape_html(chart.note)}{link}</figcaption>" if chart.note or link else ""
        return (
            f'<figure lang="{chart.language}">\n<h3 id="figure-{figure.id}">{escape_html(chart.title)}</h3>\n'
            f"{draw_both(chart, f'chart-{figure.id}')}\n{note}\n</figure>"
        )

    def _more_tables(self) -> str:
        tables = [self.tables.section(table) for table in self.report.tables[1:]]
        heading = [self._heading("tables", "All tables")] if self.report.findings else []
        return "\n".join([*heading, *tables]) if tables else ""

    def _notes(self) -> str:
        items = "".join(f"<li>{self._text(note)}</li>" for note in self.report.notes)
        return f'{self._heading("notes", "Notes")}\n<ul class="notes">{items}</ul>'

    def _methods(self) -> str:
        if not self.report.methods:
            return ""
        hint = self._text("A paragraph for a paper, made from the manifest:")
        words = escape_html(self.report.methods)
        return f'{self._heading("methods", "Methods")}\n<p class="note">{hint}</p>\n<p class="methods">{words}</p>'

    def _provenance(self) -> str:
        language = self.report.language
        pairs = [*self.report.facts, *self.report.provenance]
        lines = definitions((translated(name, language), translated(text, language)) for name, text in pairs)
        return f"{self._heading('provenance', 'Provenance')}\n{lines}"


def _words(text: str) -> str:
    """Return what was said. White space at its ends separates it from the pieces beside it."""
    ends = [" " if text[:1].isspace() else "", " " if text[-1:].isspace() else ""]
    return f"{ends[0]}{escape_html(text)}{ends[1]}"
