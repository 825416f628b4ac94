"""Withdrawing from a study: answers and chats are deleted for good, also when it was cut off."""

import asyncio
from pathlib import Path

import pytest

from cocoon.agents.protocols import Memory, UserView, Utterance
from cocoon.agents.users.prompted import PromptedUser
from cocoon.human.answers import InvalidAnswerError
from cocoon.models.by_name import Models
from cocoon.models.client import JournaledClient
from cocoon.models.scripted import ScriptedChat
from cocoon.tests.human.human_study_cases import (
    TOPIC,
    agree,
    desk,
    rate,
    study,
)


async def test_withdrawing_deletes_answers_and_chats_for_good(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path))
    for rater in ("r1", "r2"):
        agree(made, rater)
        rate(made, rater, "likert:d0", 7)
    await made.chat("r1", TOPIC, 0, None)
    await made.chat("r1", TOPIC, 0, "Zebrafinken.")
    await made.withdraw("r1")
    assert made.state("r1", "en")["phase"] == "withdrawn"
    assert {answer.rater for answer in made.store.every_answer()} == {"r2"}
    agree(made, "r1")
    assert made.state("r1", "en")["phase"] == "withdrawn"
    with pytest.raises(InvalidAnswerError):
        made.answer("r1", "likert:d0", "basic:1", 3)
    # Before anything is closed: neither the file nor its log holds a word of it, and nothing comes back.
    for file in (tmp_path / "study").rglob("*"):
        assert not file.is_file() or b"Zebrafinken" not in file.read_bytes()
    await made.close()


async def test_withdrawing_waits_for_no_slow_user_and_nothing_comes_back(tmp_path: Path) -> None:
    released = asyncio.Event()

    class SlowUser(PromptedUser):
        async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
            await released.wait()
            return await super().respond(client, view, memory)

    made = desk(tmp_path, study(tmp_path, parts="chats"))
    slow = SlowUser(Models().wrap("scripted:slow", ScriptedChat(replies=["Zebrafinken."])))
    made.open_user = lambda _: slow
    agree(made, "r1")
    talking = asyncio.create_task(made.chat("r1", TOPIC, 0))
    await asyncio.sleep(0.05)
    await made.withdraw("r1")
    with pytest.raises(InvalidAnswerError, match="withdrawn"):
        await talking
    released.set()
    assert list(made.store.every_talk()) == [] and not (tmp_path / "study" / "chats" / "r1").exists()
    await made.close()


def test_what_a_withdrawal_that_was_cut_off_left_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="chats"))
    left = tmp_path / "study" / "chats" / "r1"
    left.mkdir(parents=True)
    (left / "journal.sqlite").write_text("x")
    made.sweep()
    assert left.exists()
    made.store.withdraw("r1")
    made.sweep()
    assert not left.exists()
