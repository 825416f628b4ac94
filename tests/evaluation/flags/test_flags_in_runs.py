"""What is wrong with a user's turn stands in the trace, on the page, in the report and in the tables of a run."""

from pathlib import Path
from typing import Any

import orjson
import pytest

import cocoon
from cocoon.core.jsonl import read_lines
from cocoon.evaluation.fidelity.flags.records import USER_FLAGS
from cocoon.reports.narrative.translation import translated
from cocoon.reports.runs import build_run_report
from cocoon.reports.tables.users.flags import FLAG_NAMES
from cocoon.running.reading.reader import RunReader
from cocoon.running.trace import event_identity
from cocoon.tests.browser import in_browser
from cocoon.tests.commands import cocoon as command
from cocoon.tests.commands import endpoint
from cocoon.tests.conversations import shipped_profiles
from cocoon.tests.viewer.trace_pages import opened, said, texts
from cocoon.viewer.page import RunPage, export_page

PEOPLE = [profile for profile in shipped_profiles() if profile.id in ("en-01", "en-03")]


def listens(conversation: object) -> str:
    """A supporter that never asks."""
    return "You carry a lot."


def talks(conversation: object) -> str:
    """A user with whom nothing is wrong."""
    return "It is heavy."


def counsels(conversation: list[Any]) -> str:
    """A user that takes the supporter's chair from its second turn on."""
    return "It is heavy." if len(conversation) < 3 else "You sound exhausted. I'm here for you if you want to talk."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three rounds with that user, judged."""
    folder = tmp_path_factory.mktemp("flags") / "run"
    with endpoint() as spec:
        made = cocoon.simulate(
            profiles=PEOPLE, supporter={"listens": listens}, user=counsels, rounds=3, out=folder, progress=False
        )
        made.judge(spec, scales="comfort", progress=False)
    return folder


def test_the_event_of_the_user_s_step_names_what_is_wrong(run: Path) -> None:
    events = [event for _, event in read_lines(run / "trace.jsonl") if event["event"] == "node"]
    flagged = [event for event in events if "flags" in event]
    assert {event["node"] for event in flagged} == {"user"} and len(flagged) == 2 * len(PEOPLE)
    assert all(event["flags"] == ["role_inversion"] for event in flagged)


def test_a_conversation_that_breaks_off_has_the_flags_of_what_was_said(tmp_path: Path) -> None:
    def breaks_off(conversation: list[Any]) -> str:
        if len(conversation) > 2:
            raise ValueError("no more words")
        return "You carry a lot."

    out = tmp_path / "run"
    cocoon.simulate(profiles=PEOPLE[:1], supporter={"s": breaks_off}, user=counsels, rounds=3, out=out, progress=False)
    assert "no more words" in (out / "failures.jsonl").read_text("utf-8")
    lines = [event for _, event in read_lines(out / "trace.jsonl")]
    flagged = [event for event in lines if "flags" in event]
    assert [event["flags"] for event in flagged] == [["role_inversion"]]
    assert len(lines) == len({event_identity(event) for event in lines})


def test_the_share_stands_beside_the_scores_and_by_detector(run: Path) -> None:
    report = build_run_report(run)
    tables = {table.id: table for table in report.tables}
    (main,), (row,) = tables["main"].rows, tables["flags"].rows
    assert orjson.loads(orjson.dumps(main.cells["Flagged"].model_dump()))["value"] == pytest.approx(2 / 3)  # type: ignore[union-attr]
    values = {name: cell.value for name, cell in row.cells.items()}  # type: ignore[union-attr]
    assert values[FLAG_NAMES["role_inversion"]] == pytest.approx(2 / 3) and values["thought leaked"] == 0
    assert "flags" in command("fidelity", str(run), "--json").json["tables"]


def test_the_tables_for_other_programs_have_the_flags(run: Path) -> None:
    flags = cocoon.Run(run).frame("turns")["flags"].dropna().tolist()
    assert flags == ['["role_inversion"]'] * 4


def test_a_run_without_flags_has_no_table_of_them_and_nothing_in_its_trace(tmp_path: Path) -> None:
    run = cocoon.simulate(
        profiles=PEOPLE[:1], supporter=listens, user=talks, rounds=1, out=tmp_path / "run",
        progress=False,
    )  # fmt: skip
    assert "flags" not in {table.id for table in build_run_report(run.path).tables}
    assert not [event for _, event in read_lines(run.path / "trace.jsonl") if "flags" in event]


@in_browser
async def test_the_page_shows_the_flag_and_finds_the_dialogues_that_have_one(browser: Any, run: Path) -> None:
    page_folder = run.parent / "page"
    export_page(RunPage(RunReader(run)), page_folder)
    url = (page_folder / "view.html").as_uri()
    async with opened(browser, f"{url}#?flag=role_inversion") as page:
        await said(page, ".turn .wrong", "counsels the supporter")
        assert len(await texts(page, ".turn .wrong")) == 2
        assert len(await texts(page, "#rows .row")) == 2 and "⚑ 2" in (await texts(page, "#rows .row"))[0]
    async with opened(browser, f"{url}#?flag=thought_leak", wait="#rows p") as page:
        assert await texts(page, "#rows .row") == []


def test_every_flag_has_a_name_in_both_languages() -> None:
    assert set(FLAG_NAMES) == set(USER_FLAGS)
    assert [name for name in FLAG_NAMES.values() if translated(name, "zh") == name] == []
