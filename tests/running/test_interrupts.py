"""A run that is broken off says so in one line and ends with the exit code of an interrupt."""

import asyncio

import pytest

from cocoon.api.blocking import wait_for
from cocoon.core.errors import StoppedError
from cocoon.running.runner import Progress
from cocoon.running.session import Outcome


def test_a_second_interrupt_is_one_line_with_its_exit_code() -> None:
    async def broken_off() -> Outcome:
        raise asyncio.CancelledError

    with pytest.raises(StoppedError, match="the same command goes on") as stopped:
        wait_for(broken_off())
    assert stopped.value.exit_code == 130


def test_dialogues_that_lack_ratings_are_counted_once() -> None:
    progress = Progress(dialogues=40, resumed=40)
    progress.reopen(15)
    assert (progress.dialogues, progress.resumed) == (25, 25)
