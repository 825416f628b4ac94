"""The panel: users by supporters, resumed and reported, with a warning where the choice of the user decides.

`sage_points.csv` holds the last emotion (0 to 100) of the traces that SAGE published (github.com/Tencent/digitalhuman,
MIT, Copyright Tencent): two simulators, six supporters, 100 profiles.
"""

import csv
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.core.errors import CocoonError
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.generalisability import PanelScore
from cocoon.studies.panel.report import panel_report
from cocoon.tests.commands import cocoon as command
from cocoon.tests.commands import endpoint
from cocoon.tests.conversations import shipped_profiles

PEOPLE = [profile for profile in shipped_profiles() if profile.language == "en"][:3]
SAGE = Path(__file__).with_name("sage_points.csv")
NOBODY = "http://127.0.0.1:9/v1#nobody"
MOVES_MORE = "the choice of the simulated user moves the scores more than the supporters do"


def sage_scores() -> list[PanelScore]:
    with SAGE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        PanelScore(supporter, user, f"p{number:03}", "emotion", 0, float(points))
        for number, row in enumerate(rows)
        for (supporter, user), points in ((name.split("|"), points) for name, points in row.items())
    ]


def warnings_of(scores: list[PanelScore]) -> str:
    return " ".join(panel_report("SAGE", {"emotion": scores}).warnings)


def test_the_traces_that_sage_published_trigger_the_warning() -> None:
    warned = warnings_of(sage_scores())
    assert MOVES_MORE in warned and "name them beside every score" in warned


def test_one_supporter_that_falls_from_52_to_32_triggers_it_too() -> None:
    alone = [score for score in sage_scores() if score.supporter == "gpt-4o"]
    table = panel_report("SAGE", {"emotion": alone}).tables[0]
    users = [table.rows[0].cells[user] for user in ("gpt-4o-2024-0806", "deepseek-v3-2024-1227")]
    assert [round(cell.value) for cell in users if isinstance(cell, Estimate) and cell.value] == [52, 32]
    assert "no second supporter to hold that against" in warnings_of(alone)


def test_users_that_agree_trigger_nothing() -> None:
    first = "gpt-4o-2024-0806"
    own = [score for score in sage_scores() if score.user == first]
    alike = [
        score._replace(user="other", value=(score.value or 0) + 0.5 * (index % 2)) for index, score in enumerate(own)
    ]
    assert warnings_of([*own, *alike]) == ""


def test_a_lower_score_is_better_where_the_measure_says_so() -> None:
    scores = [score for score in sage_scores() if score.supporter in ("gpt-4o", "claude3.7")]
    best = {
        name: next(table for table in panel_report("p", {name: scores}).tables if table.id == "ranking").rows[0]
        for name in ("Aff", "Neg")
    }
    assert str(best["Aff"].cells["order"]).startswith("claude3.7 >")
    assert str(best["Neg"].cells["order"]).startswith("gpt-4o >")


def listens(conversation: object) -> str:
    """Answer for a supporter."""
    return "I am listening."


def advises(conversation: object) -> str:
    """Answer for another supporter."""
    return "You should sleep more."


def shuts_up(conversation: object) -> str:
    """Answer for a user."""
    return "I have nothing to say."


def settings(spec: str, out: Path) -> dict[str, Any]:
    return {
        **{"profiles": PEOPLE, "supporter": {"listens": listens, "advises": advises}, "user": {"m": spec}},
        **{"rules": ["attuned", "prompted"], "judge": [spec], "scales": ["comfort"], "appraiser": "rule", "rounds": 2},
        **{"out": out, "progress": False},
    }


def test_a_panel_is_made_once_and_the_same_call_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "panel"
    with endpoint() as spec:
        for calls in (1, 5):
            stopped = cocoon.panel(**settings(spec, out), budget_calls=calls)
            assert stopped.stopped_by is not None and (stopped.exit_code, stopped.report) == (3, None)
        result = cocoon.panel(**settings(spec, out))
        before = {file: file.read_bytes() for file in out.rglob("*.jsonl")}
        again = cocoon.panel(**settings(spec, out))
    assert (result.exit_code, again.exit_code) == (0, 0)
    assert {file: file.read_bytes() for file in out.rglob("*.jsonl")} == before
    assert result.report is not None and again.report == result.report
    facts = dict(result.report.facts)
    assert (facts["Users"], facts["Supporters"]) == ("m-attuned, m-prompted", "advises, listens")
    assert {"panel.md", "panel.html", "tables", "users"} <= {file.name for file in out.iterdir()}


def test_a_user_that_is_added_later_joins_the_report(tmp_path: Path) -> None:
    with endpoint() as spec:
        cocoon.panel(**settings(spec, tmp_path / "panel"))
        later: dict[str, Any] = settings(spec, tmp_path / "panel") | {"user": {"m": spec, "mute": shuts_up}}
        result = cocoon.panel(**later)
    assert result.report is not None
    assert dict(result.report.facts)["Users"] == "m-attuned, m-prompted, mute"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": "attuned"}, "a panel of one user"),
        ({"rules": "gruff"}, "choose attuned, people, people-1"),
        ({"judge": None}, "Nobody judges the panel"),
        ({"rules": None, "options": {"user.rules": "neutral"}}, "are called 'naming' now"),
        ({"user": ["x:y", "x:y"]}, "two users of the panel are named"),
        ({"user": {"../up": "x:y"}}, "it names a folder"),
        ({"user": {"a": shuts_up, "b": shuts_up}}, "users of Python code have no settings"),
        ({"user": {"a": shuts_up, "b": shuts_up}, "appraiser": None}, "--rules attuned,prompted: users of Python code"),
    ],
)
def test_what_is_no_panel_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match=message):
        cocoon.panel(**settings("x:y", tmp_path / "panel") | changes)


def dry_run(tmp_path: Path, *arguments: str) -> Any:
    users = ("--user", f"a={NOBODY}", "--user", f"b={NOBODY}")
    out = ("--out", str(tmp_path / "panel"), "--dry-run", "--json")
    return command("panel", "--profiles", "shipped:en", *users, *arguments, *out).json


def test_the_command_line_says_what_a_panel_will_take(tmp_path: Path) -> None:
    judged = ("--judge", NOBODY, "--scales", "comfort", "--rounds", "3", "-o", "form_pairs=0")
    expected = dry_run(tmp_path, "-n", "4", "--rules", "naming,prompted", *judged)
    talking, appraising = 4 * 4 * 6, 2 * 4 * 2
    assert expected["calls"] == talking + appraising + 4 * 4
    assert (expected["users"], expected["dialogues"]) == (4, 16)


def test_a_file_may_name_the_rules_and_the_judge(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(f"user: {{rules: naming}}\njudge: {{model: '{NOBODY}', scales: [comfort]}}\n", encoding="utf-8")
    assert dry_run(tmp_path, "-n", "1", "--config", str(file))["users"] == 2
