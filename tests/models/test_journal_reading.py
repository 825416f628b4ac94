"""A journal that is only looked at: every figure of it as it was stored, and what is damaged is told by its place."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.evaluation.replies import CallCounts
from cocoon.models.journal.reader import JournalReader, opened_journal
from cocoon.models.journal.seals import Seal, digest, seal_name
from cocoon.models.journal.store import Entry, Journal, Place, SpokenEntry, text_sha
from cocoon.models.journal.submitted import Batch, SubmittedCall, SubmittedCalls
from cocoon.models.journal.tally import call_counts
from cocoon.models.ledger import Usage

LATE = Entry(Place("d", "user", 0), "f", "m", "late", answered_at=2.0, tokens_in=7, tokens_out=1)
EARLY = Entry(Place("d", "judge", 1, 2, 3), "f", "m", "early", answered_at=1.0, legal_mass={"a": 0.5})
OTHER = Entry(Place("e", "user", 0), "f", "m", "other", answered_at=0.0)


async def stored(path: Path, entries: Sequence[Entry], texts: Sequence[str] = ("a",)) -> Path:
    """A closed journal of these replies, each to the same texts."""
    journal = Journal(path / "journal.sqlite")
    pairs = [(text_sha(text), text) for text in texts]
    for entry in entries:
        await journal.append(entry, [("user", sha) for sha, _ in pairs], pairs)
    journal.close()
    return journal.path


async def test_the_calls_of_a_dialogue_stand_in_the_order_of_their_answers(tmp_path: Path) -> None:
    path = await stored(tmp_path, [LATE, EARLY, OTHER], ["a", "b"])
    with closing(JournalReader(path)) as reader:
        calls = reader.calls("d")
        assert [call.entry for call in calls] == [EARLY, LATE]
        assert calls[0].request == [("user", text_sha("a")), ("user", text_sha("b"))]
        assert reader.calls("nobody") == []
        assert reader.spent() == [Usage("m", 3, 7, 1)]
        assert reader.damage() is None
        assert [row[0] for row in reader.rows("calls")] == ["d", "d", "e"] and not list(reader.rows("utterances"))


async def test_more_texts_are_read_than_a_statement_may_name(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(1001)]
    path = await stored(tmp_path, [LATE], texts)
    with closing(JournalReader(path)) as reader:
        known = {text_sha(text): text for text in texts}
        assert reader.texts([*known, "not there"]) == known
        assert reader.texts(list(known)[:500]) == dict(list(known.items())[:500])
        assert reader.texts([]) == {}


async def test_no_file_is_no_journal_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    for nothing in (None, tmp_path / "journal.sqlite"):
        with opened_journal(nothing) as journal:
            assert journal is None
    path = await stored(tmp_path, [LATE, OTHER])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update calls set reply = '{' where dialogue = 'd'")
        connection.commit()
    with opened_journal(path) as journal:
        assert journal is not None and journal.calls("e")
        with pytest.raises(CocoonError, match=r"dialogue 'd', call user/0/0/0: cannot be read"):
            journal.calls("d")
    with pytest.raises(CocoonError, match="is damaged"), opened_journal(path) as journal:
        assert journal is not None
        journal.select("select nothing from nowhere")
    path.write_bytes(b"no database at all, but somebody's notes " * 50)
    with pytest.raises(CocoonError, match=r"cannot be read as a journal .*; check the file"), opened_journal(path):
        pass


async def test_a_journal_is_read_while_it_is_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.append(LATE, [], [])
    with opened_journal(journal.path) as reader:
        assert reader is not None and [call.entry for call in reader.calls("d")] == [LATE]
    journal.close()
    journal.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal.sqlite"]


async def test_seals_are_those_of_calls_and_utterances_and_an_adopted_one_replaces_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    assert journal.is_empty()
    await journal.append_utterance(SpokenEntry(Place("d", "mine", 1, 2), "f", '"hello"'))
    assert not journal.is_empty()
    await journal.append(LATE, [], [])
    first, second, third = (Seal("file", "report.md", sha, "base") for sha in ("1", "2", "3"))
    journal.add_seals([first])
    journal.add_seals([second])
    journal.add_seals([third, Seal("file", "new", "4")], adopted=True)
    whole, at_key = journal.base_of("d", None), journal.base_of("d", ["user/0/0/0"])
    assert whole == at_key != journal.base_of("d", []) == journal.base_of("nobody", None) == digest([])
    spoken = journal.utterances("d")
    assert spoken == {Place("d", "mine", 1, 2): SpokenEntry(Place("d", "mine", 1, 2), "f", '"hello"')}
    journal.close()
    with closing(JournalReader(journal.path)) as reader:
        assert reader.seals("file") == {"report.md": second, "new": Seal("file", "new", "4")}
        (row,), (said,) = reader.rows("calls"), reader.rows("utterances")
        assert reader.seals("call") == {
            seal_name("d", "user/0/0/0"): Seal("call", seal_name("d", "user/0/0/0"), digest(row))
        }
        assert [seal.sha for seal in reader.seals("utterance").values()] == [digest(said)]
        assert list(reader.seals("utterance")) == [seal_name("d", "mine", 1, 2)]
        assert reader.base_of("d", None) == whole


async def test_calls_are_counted_by_role_with_what_was_odd_about_each(tmp_path: Path) -> None:
    def call(ordinal: int, node: str = "user", **odd: Any) -> Entry:
        return Entry(Place("d", node, ordinal), "f", "m", odd.pop("text", "hm"), **odd)

    entries = [
        call(0, finish="length", tokens_in=20, bytes_in=241),
        call(1, refusal="no", tokens_in=25, bytes_in=300),
        call(2, thought="so", tokens_in=24, bytes_in=300, tokens_reasoning=5, tokens_cached=3),
        call(3, text="so</think>hm", tokens_reasoning=2, finish="content_filter"),
        call(4, tokens_reasoning=1, finish="stop", tokens_cached=4),
        call(0, node="user.appraise"),
        call(1, node="judge:basic", finish="stop"),
        replace(call(5, refusal="no", finish="length"), shared=True),
    ]
    path = await stored(tmp_path, entries)
    assert call_counts(path) == [
        CallCounts(role="judge", model="m", calls=1),
        CallCounts(
            role="user",
            model="m",
            calls=6,
            cut=2,
            refused=1,
            thoughts=3,
            short_prompts=1,
            tokens_reasoning=8,
            tokens_cached=7,
        ),
    ]
    assert call_counts(tmp_path / "nothing.sqlite") == []


async def test_a_batch_is_open_from_its_calls_to_its_last_answer(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    submitted = SubmittedCalls(journal)
    assert (submitted.count(), submitted.open(), list(submitted.failed())) == (0, [], [])
    first, second = Batch("b1", "m"), Batch("b2", "m")
    answered, lost, unsent = (
        SubmittedCall(Place("d", "judge", number), "schema", "f", "m", [("user", text_sha("a"))], 9, 5, "b1", "c")
        for number in range(3)
    )
    await submitted.prepare(first, [answered, lost, unsent], {text_sha("a"): "a"})
    await submitted.prepare(second, [], {})
    await submitted.sent(first, "remote")
    assert (submitted.count(), submitted.open()) == (2, [Batch("b1", "m", "sent", "remote"), second])
    assert submitted.out("b1") == {"c": [answered, lost, unsent]}
    assert answered.key == (Place("d", "judge", 0), "schema")
    entry = Entry(answered.place, "f", "m", "yes", batch="b1")
    await submitted.enter([(answered, entry)], [replace(lost, tries=1, status=500, problem="down")])
    await submitted.forget([unsent])
    await submitted.done(first)
    assert (submitted.count(), submitted.open(), submitted.out("b1")) == (2, [second], {})
    assert list(submitted.failed()) == [replace(lost, batch="", custom="", tries=1, status=500, problem="down")]
    assert journal.load("d") == {answered.place: entry}
    assert journal.request(answered.place) == [{"role": "user", "content": "a"}]
    assert journal.spent() == [Usage("m", batched=True)]
    journal.close()
