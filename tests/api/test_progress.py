"""What long work shows about itself."""

import io
import time

import pytest

from cocoon.api import progress
from cocoon.api.progress import Watcher, WorkLine
from cocoon.core.progress import displayed_on, with_progress, working
from cocoon.models.by_name import Models
from cocoon.models.ledger import Ledger, Usage
from cocoon.running.work import Progress

TWELVE_CALLS = Ledger.of([Usage("m", 12)], {})


def test_the_line_says_what_is_done_how_far_it_is_and_how_long_it_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    line = WorkLine(io.StringIO())
    now = time.monotonic()
    with displayed_on(line), working("reading pairs", 40) as work:
        work.began = now
        monkeypatch.setattr("time.monotonic", lambda: now + 20)
        work.advance(10)
        assert line.line() == "[0:20] reading pairs: 10 of 40, about 1:00 left"


def test_work_of_unknown_length_is_named_with_its_time() -> None:
    line = WorkLine(io.StringIO())
    with displayed_on(line), working("loading local:smollm2"):
        assert line.line() == "[0:00] loading local:smollm2 ..."


def test_the_innermost_work_is_shown_and_then_the_one_around_it() -> None:
    line = WorkLine(io.StringIO())
    with displayed_on(line), working("outer"):
        for _ in with_progress(["a", "b"], "inner"):
            assert "inner" in line.line()
        assert "outer" in line.line()
    assert line.line() == ""


def test_without_a_display_counted_items_pass_through() -> None:
    assert list(with_progress([1, 2], "anything")) == [1, 2]


def test_long_work_speaks_where_no_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE", 0.001)
    written = io.StringIO()
    with displayed_on(WorkLine(written)), working("reading pairs"):
        while not written.getvalue():
            time.sleep(0.001)
    assert written.getvalue().startswith("[0:00] reading pairs ...")


def test_a_session_says_before_its_first_dialogue_is_done_how_many_calls_it_expects_and_how_long_they_take() -> None:
    line = Watcher(io.StringIO()).line(Progress(dialogues=4, expected=48, ledger=TWELVE_CALLS), Models())
    assert "0/4 dialogues · 12 calls of about 48 ·" in line and "ETA 0:00" in line


def test_a_session_whose_calls_nobody_can_tell_says_no_time() -> None:
    assert "ETA" not in Watcher(io.StringIO()).line(Progress(dialogues=4, ledger=TWELVE_CALLS), Models())
