"""Charts on a phone, and charts of scales of one's own."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from cocoon.core.records import Rating
from cocoon.evaluation.scales.scoring import load_scale, score
from cocoon.reports.charts.draw import draw_both, draw_chart
from cocoon.reports.charts.records import AnyChart, BarChart
from cocoon.reports.charts.svg import NARROW, WIDTH, width_of
from cocoon.reports.tables.records import Report
from cocoon.tests.reports.report_cases import dialogue, rating, report, rows
from cocoon.tests.reports.test_charts import every

ALLIANCE = load_scale(Path(__file__).parents[2] / "examples" / "scales" / "alliance.yaml")
LONG = "a supporter with a rather long name"


@pytest.mark.parametrize("chart", every(LONG))
@pytest.mark.parametrize("width", [NARROW, WIDTH])
def test_no_text_of_a_chart_leaves_it(chart: AnyChart, width: float) -> None:
    root = ElementTree.fromstring(draw_chart(chart, "x", width=width))
    assert root.get("viewBox", "").split()[2] == f"{width:g}"
    for one in root.iter():
        if one.tag.endswith("}text"):
            words = "".join(one.itertext()).removeprefix(one[0].text or "") if len(one) else one.text or ""
            room, x = width_of(words, 11), float(one.get("x", ""))
            start = {"middle": x - room / 2, "end": x - room}.get(one.get("text-anchor", ""), x)
            assert start >= -6 and start + room <= width + 6, words


def test_panels_stand_below_each_other_on_a_phone() -> None:
    wide, narrow = (ElementTree.fromstring(draw_chart(every("one")[3], "x", width=width)) for width in (WIDTH, NARROW))
    heights = [float(one.get("viewBox", "").split()[3]) for one in (wide, narrow)]
    assert heights[1] > 1.8 * heights[0]


def test_a_page_has_a_chart_for_each_width_under_ids_of_its_own() -> None:
    root = ElementTree.fromstring(f"<div>{draw_both(every('one')[0], 'x')}</div>")
    assert [one.get("class") for one in root] == ["chart wide", "chart narrow"]
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))


def own_scale(known: bool, last: dict[str, int | None]) -> Report:
    """Four dialogues rated on a scale of one's own, whose last rating answers `last`."""
    answers = [dict.fromkeys(ALLIANCE.item_ids, value) for value in (2, 3, 4)]
    ratings = list[Rating]()
    for name, items in zip("abcd", [*answers, last], strict=True):
        dimensions = score(ALLIANCE, items) if items else {"bond": None, "direction": None}
        ratings.append(rating(name, ALLIANCE.id, items=items, dimensions=dimensions))
    scales = {ALLIANCE.id: ALLIANCE} if known else {}
    return report(dialogues=[dialogue(name) for name in "abcd"], ratings=ratings, scales=scales)


def scale_chart(made: Report) -> BarChart:
    (chart,) = (figure.chart for figure in made.figures if figure.id == "scale_a")
    assert isinstance(chart, BarChart)
    return chart


def test_a_scale_of_ones_own_has_a_chart_with_its_range_and_names() -> None:
    chart = scale_chart(own_scale(True, dict.fromkeys(ALLIANCE.item_ids, 3)))
    assert chart.title == ALLIANCE.name.en and chart.range == (1, 5)
    assert [(bar.name, bar.value) for bar in chart.bars] == [("Bond: listen", 3.0), ("Direction: listen", 3.0)]
    unknown = scale_chart(own_scale(False, dict.fromkeys(ALLIANCE.item_ids, 3)))
    assert unknown.title == "alliance" and unknown.bars[0].name == "bond: listen"


def test_a_scale_of_ones_own_is_in_the_table_of_consistency_in_spite_of_a_rating_without_items() -> None:
    made = rows(own_scale(True, {}), "consistency")
    assert set(made) == {("gpt-x", "en", "with need", f"alliance {name}") for name in ("bond", "direction")}
