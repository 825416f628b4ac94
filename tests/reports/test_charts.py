"""Drawings: what stands where, in both languages, with nothing, with missing values, and with hostile names."""

import math
import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dialogue, Language
from cocoon.evaluation.facts import facts_of
from cocoon.evaluation.groups import group_ratings
from cocoon.reports.charts.draw import draw_chart, draw_sheet
from cocoon.reports.charts.records import (
    AnyChart,
    Bar,
    BarChart,
    HistogramChart,
    HistogramRow,
    Mark,
    Panel,
    PanelChart,
    Series,
    StackChart,
    StackRow,
)
from cocoon.reports.charts.runs import comfort_chart, opening_chart, run_figures, t_interval
from cocoon.reports.charts.svg import COLOURS, STYLE, WIDTH, Axis, fit_words, labels, width_of, wrap
from cocoon.reports.charts.words import WORDS, word
from cocoon.tests.commands import cocoon
from cocoon.tests.reports.report_cases import KINDS, dialogue, report, scored, verdicts

HOSTILE = [
    "<script>alert(1)</script>",
    '"><rect onload="x"/>',
    "]]></style><a href='javascript:x'>",
    "\x00\x1b\u202eevil\ufffe\ud800",
    "&amp; &#x3c;",
    "很长的名字" * 80,
    "",
]
NAN = float("nan")


def bars(*values: float | None, name: str = "one") -> BarChart:
    drawn = [Bar(name=f"{name}{n}", value=one, low=0.1, high=0.9) for n, one in enumerate(values)]
    return BarChart(title=name, empty="0 of 7 judged", axis="share", bars=drawn)


def stack(*values: float | None, name: str = "one") -> StackChart:
    return StackChart(
        title=name, empty="0 of 7", axis="share", parts=["a", name], rows=[StackRow(name=name, values=list(values))]
    )


def strip(counts: dict[int, int], name: str = "one") -> HistogramChart:
    return HistogramChart(title=name, empty="0 dialogues", axis="turns", rows=[HistogramRow(name=name, counts=counts)])


def points(*ys: float | None, name: str = "one", lines: bool = False) -> PanelChart:
    marks = [
        Mark(x=n, y=y, low=None if y is None else y - 1, high=None if y is None else y + 1) for n, y in enumerate(ys)
    ]
    some = [Series(name=name, marks=marks, cloud=[(0.5, 1.0)]), Series(name="two", marks=marks)]
    panel = Panel(title=name, x_axis="x", y_axis="y", series=some)
    return PanelChart(title=name, empty="0 of 7", panels=[panel, panel], lines=lines)


def every(name: str) -> list[AnyChart]:
    return [
        bars(0.5, name=name),
        stack(0.2, 0.3, name=name),
        strip({3: 1}, name),
        points(1, 2, name=name),
        points(1, 2, name=name, lines=True),
    ]


def read(chart: AnyChart, standalone: bool = True) -> ElementTree.Element:
    return ElementTree.fromstring(draw_chart(chart, "x", standalone))


def tags(root: ElementTree.Element) -> list[str]:
    return [one.tag.rpartition("}")[2] for one in root.iter()]


def texts(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in root.iter() if one.tag.endswith("}text") and one.text]


def of_class(root: ElementTree.Element, look: str) -> list[ElementTree.Element]:
    return [one for one in root.iter() if look in one.get("class", "").split()]


# Where things stand, worked by hand.


def test_a_bar_is_as_long_as_its_value() -> None:
    root = read(bars(0.25, 0.5), standalone=False)
    first, second = (float(one.get("width", "")) for one in of_class(root, "c-tint"))
    assert second == pytest.approx(2 * first, rel=1e-3)
    dots = [float(one.get("cx", "")) for one in root.iter() if one.tag.endswith("circle")]
    starts = [float(one.get("x", "")) for one in of_class(root, "c-tint")]
    assert dots == [pytest.approx(starts[0] + first, abs=0.02), pytest.approx(starts[1] + second, abs=0.02)]


def test_an_interval_stands_around_its_value() -> None:
    (low, high) = sorted({float(one.get("x1", "")) for one in of_class(read(bars(0.5), standalone=False), "c-whisker")})
    (bar,) = of_class(read(bars(0.5), standalone=False), "c-tint")
    middle = float(bar.get("x", "")) + float(bar.get("width", ""))
    assert low < middle < high and middle - low == pytest.approx(high - middle, abs=0.05)


def test_parts_of_a_stack_lie_end_to_end() -> None:
    parts = [one for one in of_class(read(stack(0.2, 0.3), standalone=False), "c-edge")]
    (x0, w0), (x1, w1) = ((float(one.get("x", "")), float(one.get("width", ""))) for one in parts)
    assert x1 == pytest.approx(x0 + w0, abs=0.02) and w1 / w0 == pytest.approx(1.5, abs=0.01)


def test_heights_of_a_histogram_are_shares() -> None:
    chart = strip({3: 1, 5: 3})
    drawn = [one for one in of_class(read(chart, standalone=False), "p0")]
    low, high = sorted(float(one.get("height", "")) for one in drawn)
    assert high / low == pytest.approx(3, abs=0.05)
    assert "75%" in texts(read(chart)) and "n 4" in texts(read(chart))


def test_many_different_counts_are_binned() -> None:
    drawn = of_class(read(strip(dict.fromkeys(range(500), 1)), standalone=False), "p0")
    assert len(drawn) <= 41
    shares = [one[0].text or "" for one in drawn]
    assert sum(float(re.findall(r": ([\d.]+)%", one)[0]) for one in shares) == pytest.approx(100, abs=3)


def test_a_line_breaks_where_a_value_is_missing() -> None:
    root = read(points(1, 2, None, 3, 4, lines=True), standalone=False)
    assert len(of_class(root, "c-line")) == 2 * 2 * 2  # two pieces, two series, two panels
    assert len(of_class(read(points(1, 2, NAN, 3, lines=True)), "c-band")) == 1 * 2 * 2  # a lone point has no band


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (1, 7, ["2", "4", "6"]),
        (0, 0.03, ["0.00", "0.01", "0.02", "0.03"]),
        (5, 5, ["5.0", "5.2", "5.4", "5.6", "5.8", "6.0"]),
    ],
)
def test_ticks_are_round_and_have_the_same_decimals(low: float, high: float, ticks: list[str]) -> None:
    assert labels(Axis(low, high, 0, 100).ticks()) == ticks


def test_t_interval_by_hand() -> None:
    """1, 2, 3: mean 2, standard error 1/sqrt(3), t(0.975, 2) = 4.3027."""
    low, high = t_interval([1, 2, 3])
    assert low == pytest.approx(2 - 4.3027 / math.sqrt(3), abs=1e-3) and high == pytest.approx(4.484, abs=1e-3)
    assert t_interval([1]) == (None, None)


# Nothing, and what is missing.


@pytest.mark.parametrize(
    "chart",
    [bars(), bars(None, NAN), stack(None, NAN), strip({}), points(None, None), points(), points(None, lines=True)],
)
@pytest.mark.parametrize("standalone", [True, False])
def test_without_data_a_chart_is_a_sentence(chart: AnyChart, standalone: bool) -> None:
    root = read(chart, standalone)
    assert chart.empty in texts(root) and "nan" not in draw_chart(chart, "x", standalone).lower().replace("finance", "")
    assert not {"circle", "polyline", "polygon"} & set(tags(root))


def test_a_missing_value_is_shown_as_missing_among_others() -> None:
    for language, shown in (("en", "missing"), ("zh", "缺失")):
        chart = bars(0.5, None, float("inf")).model_copy(update={"language": language})
        assert texts(read(chart)).count(shown) == 2
    assert "nan" not in draw_chart(points(1, NAN, 2), "x")


def test_every_coordinate_is_a_number() -> None:
    for chart in [*every("one"), bars(0.0, 1.0, -5, 9), points(1e9, -1e9), stack(0, 0), strip({7: 1})]:
        for one in read(chart).iter():
            for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height"):
                if one.get(name) is not None:
                    assert math.isfinite(float(one.get(name, "")))


# Text.


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_and_nothing_else(name: str) -> None:
    for chart, plain in zip(every(name), every("plain"), strict=True):
        root = read(chart)
        assert set(tags(root)) <= {*tags(read(plain)), "title"}
        assert not any(
            key.startswith("on") or "href" in key or key == "style" for one in root.iter() for key in one.attrib
        )
        assert not re.search("[\x00-\x08\u202e\ufffe\ud800-\udfff]", draw_chart(chart, "x", standalone=True))


def test_a_long_name_is_cut_and_whole_in_its_tooltip() -> None:
    name = "a supporter with a very long name " * 4
    root = read(bars(0.5, name=name))
    (cut,) = [
        one
        for one in root.iter()
        if one.tag.endswith("}text")
        and any("very" in part for part in one.itertext())
        and "c-title" not in one.get("class", "")
    ]
    assert cut[0].tag.endswith("title") and cut[0].text is not None and cut[0].text.endswith("name 0")


@pytest.mark.parametrize(
    "words", ["a plain sentence that goes on and on", "一句没有空格而且相当长的中文句子", "x" * 90]
)
def test_text_fits_its_room(words: str) -> None:
    assert width_of(fit_words(words, 80)) <= 92 and fit_words("short", 80) == "short"
    lines = wrap(words, 80)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")
    assert all(width_of(line, 11) <= 80 for line in lines) or " " not in words


def test_charts_can_be_told_without_seeing_them() -> None:
    root = read(bars(0.5, None), standalone=False)
    named = root.get("aria-labelledby", "").split()
    told = {one.get("id"): one.text or "" for one in root.iter() if one.get("id")}
    assert root.get("role") == "img" and told[named[0]] == "one"
    assert told[named[1]] == "one0: 0.50, interval 0.10 – 0.90; one1: missing"


def test_every_word_is_there_in_both_languages() -> None:
    for key, (english, chinese) in WORDS.items():
        assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", chinese)), key
        assert not re.search("[\u4e00-\u9fff]", english) and english and chinese
    assert word("success_empty", "zh", n=3) == "3 段对话中有判定的：0"


# Colours.


Matrix = npt.NDArray[np.float64]
# How colours look to people without one kind of cone, in linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.
VISION: dict[str, list[list[float]]] = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def colours(mode: str) -> dict[str, str]:
    """Name -> #rrggbb of the style sheet's light or dark half."""
    light, dark = STYLE.split("@media")
    held = dict(re.findall(r"--(\w+): (#[0-9a-f]+)", dark if mode == "dark" else light))
    return held | {"page": "#ffffff" if held["page"] == "#fff" else held["page"]}


def linear(colour: str) -> Matrix:
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ np.array([0.2126, 0.7152, 0.0722]))


def lab(rgb: Matrix) -> Matrix:
    """CIE L*a*b* of linear sRGB under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_stand_out_from_the_page(mode: str) -> None:
    """WCAG 2.2 asks 4.5 to 1 for text (labels of parts are set in the page's colour) and 3 to 1 for graphics."""
    held = colours(mode)
    for name in ("ink", "soft", *(f"p{number}" for number in range(COLOURS))):
        darker, brighter = sorted((luminance(held["page"]), luminance(held[name])))
        assert (brighter + 0.05) / (darker + 0.05) >= 4.5, name


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_differ_for_every_kind_of_vision(mode: str, vision: str) -> None:
    """Every two of them by 20 or more in L*a*b*, where 2 or 3 can just be seen side by side."""
    held, matrix = colours(mode), np.array(VISION[vision])
    seen = [lab(matrix @ linear(held[f"p{number}"])) for number in range(COLOURS)]
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)) >= 20


def test_series_differ_by_more_than_colour() -> None:
    root = read(points(1, 2, lines=True), standalone=False)
    assert {"circle", "polygon"} <= set(tags(root))
    assert len({one.get("stroke-dasharray") for one in of_class(root, "c-line")}) == 2


# Figures of a run.


def summaries() -> list[Dialogue]:
    return [dialogue(kind, user_kind="guarded") for kind in KINDS]


def test_figures_of_a_run_hold_what_its_tables_hold() -> None:
    made = {one.id: one.chart for one in report().figures}
    assert list(made) == ["success", "comfort_by_questions", "opening", "turns", "questions", "missing"]
    success = made["success"]
    assert isinstance(success, BarChart)
    # Both modes judged five dialogues and could not read one: named, drawn, leaked of 4; named, drawn of 4.
    assert [(one.value, one.remark) for one in success.bars] == [
        (0.75, "0.75, n 4, missing 1"),
        (0.5, "0.50, n 4, missing 1"),
    ]
    turns, missing = made["turns"], made["missing"]
    assert isinstance(turns, HistogramChart) and turns.rows[0].counts == {7: 5}
    assert isinstance(missing, StackChart)
    assert {row.name: row.values for row in missing.rows} == {
        "comfort": [1, 0, 0, 0],
        "success_attributed": [0.8, 0, 0.2, 0],
        "success_paper": [0.8, 0, 0.2, 0],
    }


def test_comfort_is_drawn_against_the_ratio_that_was_measured() -> None:
    """One of two dialogues asks in 1 of 3 turns: ratio 1/6 on average; comfort 5 and 3: Aff 4, Neg = 4.4 and 3.6."""
    first, second = dialogue("a"), dialogue("b")
    for turn in first.turns:
        turn.calls = ["call"] if turn is not first.turns[0] else []
    first.turns[2].content = "What happened then?"
    facts = [facts_of(first), facts_of(second)]
    groups = group_ratings([scored("a", "comfort", 5), scored("b", "comfort", 3)], {one.id: one for one in facts})
    affective, negative = comfort_chart(groups, facts, "en").panels
    assert facts[0].questions is not None and facts[0].questions.ratio == pytest.approx(1 / 3)
    (mark,) = affective.series[0].marks
    assert (mark.x, mark.y, mark.n) == (pytest.approx(1 / 6), 4.0, 2)
    values = sorted(y for _, y in negative.series[0].cloud)
    (turned,) = negative.series[0].marks
    assert turned.y == pytest.approx(sum(values) / 2) and turned.low is not None and turned.high is not None
    assert turned.low < (turned.y or 0) < turned.high


def test_disclosure_and_trust_by_round_by_hand() -> None:
    """Node 0 of two is open in round 1, both from round 2 on; a dialogue of two rounds is in no third round."""
    some = [dialogue("a", rounds=3, user_kind="guarded"), dialogue("b", rounds=2, user_kind="guarded")]
    for turn in some[1].turns:
        if turn.state:
            turn.state.trust = 4
    disclosure, trust = opening_chart([facts_of(one) for one in some], "en").panels
    assert [(one.x, one.y, one.n) for one in disclosure.series[0].marks] == [(1, 0.5, 2), (2, 1.0, 2), (3, 1.0, 1)]
    assert [(one.y, one.n) for one in trust.series[0].marks] == [(2.0, 2), (2.0, 2), (0.0, 1)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_run_that_was_not_judged_has_whole_figures(language: Language) -> None:
    for figure in run_figures([], [facts_of(one) for one in summaries()], language):
        root = read(figure.chart)
        judged = figure.id in ("success", "comfort_by_questions", "missing")
        assert (figure.chart.empty in texts(root)) is judged
    for figure in run_figures([], [], language):
        assert figure.chart.empty in texts(read(figure.chart))


def test_more_supporters_than_can_be_told_apart_are_counted() -> None:
    some = [facts_of(dialogue(f"p{n}/s", supporter=f"supporter {n}", user_kind="guarded")) for n in range(9)]
    chart = opening_chart(some, "en")
    assert len(chart.panels[0].series) == 6 and "The first 6 of 9 are drawn" in chart.note


def test_the_report_writes_its_figures_and_holds_them_in_the_page(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "dialogues.jsonl").write_bytes(b"".join(map(dump_line, summaries())))
    (run / "ratings.jsonl").write_bytes(b"".join(dump_line(one) for kind in KINDS for one in verdicts(kind, kind)))
    done = cocoon("report", str(run), "--language", "zh")
    assert done.code == 0 and "figures/" in done.err
    page = (run / "report.html").read_text("utf-8")
    assert "各支持者的成功率" in page and page.count("<svg") == 12 and page.count("<style") == 1
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert sorted(file.name for file in (run / "figures").iterdir()) == sorted(
        f"{name}.svg" for name in ("success", "comfort_by_questions", "opening", "turns", "questions", "missing")
    )


def test_a_sheet_holds_its_charts_below_each_other() -> None:
    root = ElementTree.fromstring(draw_sheet([bars(0.5), stack(0.1, 0.2)], "sheet", "Both"))
    height = float(root.get("height", ""))
    moves = [float(one.get("transform", "").split()[1].rstrip(")")) for one in root if one.get("transform")]
    assert len(moves) == 2 and 0 < moves[0] < moves[1] < height and float(root.get("width", "")) > WIDTH
