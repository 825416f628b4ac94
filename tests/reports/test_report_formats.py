"""The formats of a report: data stays data in Markdown, HTML, CSV and LaTeX, and every format says the same."""

import base64
import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import pytest

from cocoon.core.records import Failure, Verdict
from cocoon.evaluation.statistics.estimates import Bounds, Estimate
from cocoon.evaluation.success.verdicts import PAPER
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.formats.json_value import to_json
from cocoon.reports.formats.latex import escape_latex, render_latex
from cocoon.reports.formats.markdown import escape_markdown, render_markdown
from cocoon.reports.tables.records import Report, cell_lines
from cocoon.tests.reports.report_cases import dialogue, rating, report, scored

# Escaping. Each text goes through every place that shows data: supporter, judge, model, reason, failure.

HOSTILE = [
    "a|b\n| c | d |",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[link](javascript:alert(1)) ![i](http://x/y.png) `code` **bold** $x$ ~~s~~ # h & _e_",
    "\\input{/etc/passwd} \\write18{rm} % & # _ ^ ~ { } $x$",
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\x00\x1b[31m\u202eevil",
    "用户，支持者：“没事”",
]


def hostile_report(text: str) -> Report:
    failures = [Failure(dialogue="x", stage="conversation", node=text, reason=text, message=text)]
    ratings = [scored("a", "comfort", 3, supporter=text, judge=text, prompt_sha=text)]
    ratings += [rating("a", PAPER, supporter=text, judge=text, verdict=Verdict(success=None, missing=text))]
    dialogues = [dialogue("a", supporter=text, stop_reason=text, user_kind=text)]
    return report(
        dialogues=dialogues,
        ratings=ratings,
        failures=failures,
        facts={"name": text, "models": {text: [text]}},
    )


def test_nothing_is_not_negative() -> None:
    nearly = Estimate(value=-0.001, low=-0.004, high=0.002, n=3, missing=0)
    assert cell_lines(nearly)[:2] == ["0.00", "[0.00, 0.00]"]
    assert cell_lines(Bounds(low=0.0, high=-0.0)) == ["0.00 to 0.00"]
    assert cell_lines(-0.06, digits=1) == ["-0.1"]


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags nest."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.drawn: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        drawn = tag == "svg" or "svg" in self.open
        (self.drawn if drawn else self.tags).append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_html_holds_data_as_text_alone(text: str) -> None:
    plain, page = Page(), Page()
    plain.feed(render_html(hostile_report("plain")))
    page.feed(render_html(hostile_report(text)))
    assert page.open == []
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in plain.tags}
    # A cell says what it measures, for narrow pages. That may be data, such as a reason of a run's own.
    assert [one | {"data-label": ""} for _, one in page.tags] == [one | {"data-label": ""} for _, one in plain.tags]
    everything = [*page.tags, *page.drawn]
    assert not any(name.startswith("on") or name in ("src", "style") for _, some in everything for name in some)
    assert all(str(some.get("href", "#")).startswith("#") for _, some in everything)
    # Drawings have other places, and tooltips for what was cut, where names are longer or shorter.
    assert {tag for tag, _ in page.drawn} | {"title"} == {tag for tag, _ in plain.drawn} | {"title"}
    assert {name for _, some in page.drawn for name in some} == {name for _, some in plain.drawn for name in some}
    assert not re.search("[\x00-\x08\x1b\u202e]", page.text)


def test_the_html_policy_admits_this_style_sheet_and_nothing_else() -> None:
    text = render_html(report())
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert style is not None and policy is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert policy.group(1) == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
    assert "<script" not in text and "style=" not in text and "http" not in style.group(1)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_tables_keep_their_shape(text: str) -> None:
    width = 0
    for line in render_markdown(hostile_report(text)).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert cells == (width or cells) if line.startswith("|") else cells == 0
        width = cells if line.startswith("|") else 0
    assert not re.search(r"(?<!\\)[<`\[]", escape_markdown(text))


def test_markdown_leaves_names_readable() -> None:
    assert escape_markdown("gpt-4o_mini v1.0 用户") == "gpt-4o_mini v1.0 用户"
    assert escape_markdown("_x_ *y*") == "\\_x\\_ \\*y\\*"


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_cells_are_no_formulas(text: str) -> None:
    for name, content in render_csv(hostile_report(text)).items():
        lines = list(csv.reader(io.StringIO(content)))
        assert len({len(line) for line in lines}) == 1, name
        for line in lines[1:]:
            assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in line)
            assert not any(cell.startswith("-") and not re.fullmatch(r"-[\d.e-]+", cell) for cell in line)


def test_csv_is_tidy_and_unrounded() -> None:
    lines = list(csv.DictReader(io.StringIO(render_csv(report())["main"])))
    aff = next(line for line in lines if line["measure"] == "Aff")
    assert (aff["supporter"], aff["judge"], aff["value"], aff["n"], aff["missing"]) == (
        "listen",
        "gpt-x",
        "3.0",
        "5",
        "0",
    )
    assert len(lines) == 12


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_commands_are_ours_alone(text: str) -> None:
    escaped = escape_latex(text)
    ours = r"\\text(?:backslash|ascii\w+|less|greater|bar)\{\}|\{\\char34\}|\{[\[\]]\}|\\[{}$&#%_]"
    assert not re.search(r"[\\{}$&#%_^~<>|\"\[\]]", re.sub(ours, "", escaped))
    made, plain = render_latex(hostile_report(text))["main"], render_latex(hostile_report("plain"))["main"]
    assert len(re.findall(r"(?<!\\)&", made)) == len(re.findall(r"(?<!\\)&", plain))
    assert made.count("\n") == plain.count("\n")


def test_latex_tables_are_booktabs() -> None:
    text = render_latex(report())["main"]
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    assert r"listen & gpt-x & en & with need & \shortstack{0.75\\{\scriptsize {[}0.30, 0.95{]}}" in text
    assert text.count("{") == text.count("}")


def test_json_says_the_same_and_can_be_written() -> None:
    made = json.loads(json.dumps(to_json(report()), allow_nan=False))
    row = made["tables"]["main"]["rows"][0]
    assert row["Supporter"] == "listen" and row["measures"]["SR"]["value"] == 0.75
    assert row["measures"]["Flu"]["value"] is None
    assert set(made["tables"]) == {one.id for one in report().tables}
