"""The journal: nothing answered is lost, nothing is stored twice, and what cannot be stored is told."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.models.journal.store import Entry, Journal, Place, fingerprint, text_sha
from cocoon.models.ledger import Usage


def entry(place: Place, text: str = "hm", **more: Any) -> Entry:
    return Entry(place, "f" * 24, "http://127.0.0.1:1/v1#m", text, **more)


async def store(journal: Journal, made: Entry, *texts: str, role: str = "user") -> None:
    pairs = [(text_sha(text), text) for text in texts]
    await journal.append(made, [(role, sha) for sha, _ in pairs], pairs)


def rows(path: Path, question: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


async def test_what_is_loaded_equals_what_was_stored(path: Path) -> None:
    whole = entry(
        Place("d", "user", 3, 1, 2), "你好 \x00 \U0001f642\n", rung="prompt", tokens_in=7, tokens_out=0, latency=0.25,
        retries=2, finish="stop", legal_mass={"items.1": 0.5}, answered_at=1.5,
    )  # fmt: skip
    blank = entry(Place("d", "user", 4))
    journal = Journal(path)
    await store(journal, whole, "a")
    await store(journal, blank, "a")
    await store(journal, entry(Place("e", "user", 0)), "a")
    journal.close()
    again = Journal(path)
    assert again.load("d") == {whole.place: whole, blank.place: blank}
    assert blank.tokens_in is None and again.load("d")[blank.place].tokens_in is None
    assert again.load("nobody") == {}
    assert [each.place.dialogue for each in again.entries()] == ["d", "d", "e"]
    again.close()


async def test_a_reply_stored_in_this_session_is_loaded_too(path: Path) -> None:
    journal = Journal(path)
    made = entry(Place("d", "user", 0))
    await store(journal, made, "a")
    assert journal.load("d") == {made.place: made}
    journal.close()


async def test_a_journal_opened_in_one_thread_is_used_in_another(path: Path) -> None:
    journal = await asyncio.to_thread(Journal, path)
    await store(journal, entry(Place("d", "user", 0)), "a")
    assert list(journal.load("d")) == list(await asyncio.to_thread(journal.load, "d"))
    await asyncio.to_thread(journal.close)


async def test_committed_when_append_returns(path: Path) -> None:
    journal = Journal(path)
    await store(journal, entry(Place("d", "user", 0)), "a")
    assert rows(path, "select count(*) from calls") == [(1,)]
    journal.close()


async def test_what_gathers_while_a_commit_runs_is_committed_together(path: Path) -> None:
    journal = Journal(path)
    groups: list[int] = []
    commit = journal._commit  # pyright: ignore[reportPrivateUsage]

    def counted(group: list[Any]) -> Exception | None:
        groups.append(len(group))
        return commit(group)

    journal._commit = counted  # pyright: ignore[reportPrivateUsage]
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("begin immediate")
    tasks = [asyncio.ensure_future(store(journal, entry(Place("d", "user", n)), "a")) for n in range(40)]
    while sum(groups) + journal._inbox.qsize() < 40:  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    blocker.execute("rollback")
    blocker.close()
    await asyncio.gather(*tasks)
    assert sum(groups) == 40 and len(groups) <= 3
    assert rows(path, "select count(*) from calls") == [(40,)]
    journal.close()


async def test_texts_are_stored_once_and_requests_are_given_back_as_sent(path: Path) -> None:
    journal = Journal(path)
    history = ["system words", "one", "two"]
    for number in range(1, 4):
        place = Place("d", "user", number)
        sent = history[:number]
        pairs = [(text_sha(text), text) for text in sent]
        shas = [("system" if text == "system words" else "user", sha) for sha, text in pairs]
        await journal.append(entry(place), shas, pairs)
    assert journal.request(Place("d", "user", 3)) == [
        {"role": "system", "content": "system words"},
        {"role": "user", "content": "one"},
        {"role": "user", "content": "two"},
    ]
    assert rows(path, "select count(*) from texts") == [(3,)]
    with pytest.raises(CocoonError, match=r"journal\.sqlite: has no call 'user/9/0/0' of dialogue 'd'"):
        journal.request(Place("d", "user", 9))
    journal.close()


async def test_hostile_texts_are_kept(path: Path) -> None:
    journal = Journal(path)
    big, nul = "x" * 10_000_000, "a\x00b'; drop table calls; --"
    await store(journal, entry(Place("d", "user", 0), big), big, nul, "lone \ud800 surrogate")
    assert [each["content"] for each in journal.request(Place("d", "user", 0))] == [big, nul, "lone ? surrogate"]
    assert journal.load("d")[Place("d", "user", 0)].text == big
    journal.close()


async def test_what_cannot_be_stored_is_an_error_for_its_caller_alone(path: Path) -> None:
    journal = Journal(path)
    with pytest.raises(TypeError):
        await store(journal, entry(Place("d", "user", 0), tokens_in=2**70), "a")
    await store(journal, entry(Place("d", "user", 1)), "a")
    assert list(journal.load("d")) == [Place("d", "user", 1)]
    journal.close()


async def test_spent_counts_by_model(path: Path) -> None:
    journal = Journal(path)
    await store(journal, entry(Place("d", "user", 0), tokens_in=10, tokens_out=3), "a")
    await store(journal, entry(Place("d", "user", 1)), "a")
    await store(journal, replace(entry(Place("e", "x", 0), tokens_in=1, tokens_out=1), model="other"), "a")
    assert journal.spent() == [Usage("http://127.0.0.1:1/v1#m", 2, 10, 3), Usage("other", 1, 1, 1)]
    journal.close()


def test_a_file_that_is_no_journal_is_told(path: Path) -> None:
    path.write_bytes(b"this is no database, but somebody's notes " * 50)
    with pytest.raises(CocoonError, match=r"journal\.sqlite: not a journal .*; move it away"):
        Journal(path)
    assert path.read_bytes().startswith(b"this is no database")


def test_another_programs_database_is_told(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table calls (number text)")
    connection.close()
    with pytest.raises(CocoonError, match="not a journal"):
        Journal(path)


def test_a_later_schema_is_told(path: Path) -> None:
    Journal(path).close()
    connection = sqlite3.connect(path)
    connection.execute("update about set value = '2' where name = 'schema'")
    connection.commit()
    connection.close()
    with pytest.raises(CocoonError, match="has journal schema '2', this program reads '1'"):
        Journal(path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match="cannot be opened"):
        Journal(tmp_path / "none" / "journal.sqlite")


async def test_a_full_disk_is_told_to_everyone_and_before_the_next_call(path: Path) -> None:
    journal = Journal(path)
    await store(journal, entry(Place("d", "user", 0)), "a")
    pages = journal._connection.execute("pragma page_count").fetchone()[0]  # pyright: ignore[reportPrivateUsage]
    journal._connection.execute(f"pragma max_page_count={pages}")  # pyright: ignore[reportPrivateUsage]
    big = [store(journal, entry(Place("d", "user", n), "x" * 100_000), f"text {n}") for n in range(1, 6)]
    failed = await asyncio.gather(*big, return_exceptions=True)
    assert all(isinstance(each, NotSavedError) and "full" in str(each) for each in failed)
    with pytest.raises(
        NotSavedError, match=r"cannot be written \(database or disk is full\); free space and run again"
    ):
        journal.check()
    journal.close()
    again = Journal(path)
    assert list(again.load("d")) == [Place("d", "user", 0)]
    again.close()


async def test_a_journal_that_may_not_be_written_names_the_permissions_and_not_the_space(path: Path) -> None:
    journal = Journal(path)
    journal._connection.execute("pragma query_only=on")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(NotSavedError, match=r"cannot be written \(.*readonly database\); check its permissions"):
        await store(journal, entry(Place("d", "user", 0)), "a")
    journal.close()


async def test_nothing_is_taken_after_closing(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.close()
    with pytest.raises(NotSavedError, match="is closed"):
        await store(journal, entry(Place("d", "user", 0)), "a")


async def test_a_cut_off_asker_loses_no_reply(path: Path) -> None:
    journal = Journal(path)
    task = asyncio.ensure_future(store(journal, entry(Place("d", "user", 0)), "a"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    journal.close()
    assert rows(path, "select count(*) from calls") == [(1,)]


BASE = ("m", {"temperature": 0.0, "max_tokens": 9}, [("user", "ab")], {"type": "object"})


@pytest.mark.parametrize(
    "other",
    [
        ("n", *BASE[1:]),
        (BASE[0], {"temperature": 0.1, "max_tokens": 9}, *BASE[2:]),
        (*BASE[:2], [("system", "ab")], BASE[3]),
        (*BASE[:2], [("user", "ac")], BASE[3]),
        (*BASE[:2], [("user", "ab"), ("user", "ab")], BASE[3]),
        (*BASE[:3], None),
    ],
)
def test_fingerprints_differ_with_each_part(other: Any) -> None:
    assert fingerprint(*other) != fingerprint(*BASE)
    shuffled = {"max_tokens": 9, "temperature": 0.0}
    assert fingerprint(BASE[0], shuffled, *BASE[2:]) == fingerprint(*BASE)


@given(st.text(st.characters(), max_size=20), st.text(st.characters(), max_size=20))
def test_text_hashes_tell_texts_apart(one: str, other: str) -> None:
    assert (text_sha(one) == text_sha(other)) == (one == other)
    assert len(text_sha(one)) == 16


async def test_a_group_takes_the_lock_of_a_writer_before_it_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    connect = sqlite3.connect

    def traced(*given: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*given, **named)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    journal = Journal(path)
    await store(journal, entry(Place("d", "user", 0)), "a text")
    journal.close()
    begun = [statement.lower() for statement in statements if statement.lower().startswith("begin")]
    assert begun == ["begin immediate"]
