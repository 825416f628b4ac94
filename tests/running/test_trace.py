"""The trace file: whole lines only, and settled: each event once, in order, none lost."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.running.trace import SCHEMA_VERSION, Trace, event_identity, settle_trace


def event(dialogue: str, graph: str, step: int, kind: str, node: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "v": SCHEMA_VERSION,
        "dialogue": dialogue,
        "graph": graph,
        "step": step,
        "event": kind,
        "node": node,
        **more,
    }


def whole(dialogue: str, at: float = 1.0) -> list[dict[str, Any]]:
    """A short conversation and its assessment, in order."""
    talk, judged = "conversation-prompted", "assessment"
    return [
        event(dialogue, talk, 0, "start"),
        event(dialogue, talk, 1, "node", "open"),
        event(dialogue, talk, 2, "call", "user", call="user/0/0/0", answered_at=at),
        event(dialogue, talk, 2, "node", "user"),
        event(dialogue, talk, 2, "end", stop_reason="rounds"),
        event(dialogue, judged, 0, "start"),
        event(dialogue, judged, 1, "call", "judge", task="basic/0", call="judge:basic/0/0/0", answered_at=at),
        event(dialogue, judged, 1, "call", "judge", task="basic/0", call="judge:basic/0/0/1", answered_at=at),
        event(dialogue, judged, 1, "call", "judge", task="rac/0", call="judge:rac/0/0/0", answered_at=at),
        event(dialogue, judged, 1, "node", "judge", task="basic/0"),
        event(dialogue, judged, 1, "node", "judge", task="rac/0"),
        event(dialogue, judged, 2, "node", "collect"),
        event(dialogue, judged, 2, "end", stop_reason=None),
    ]


def write(path: Path, events: list[dict[str, Any]]) -> None:
    trace = Trace(path)
    for each in events:
        trace.write(each)
    trace.close()


def read(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_settled_is_in_order_of_dialogues_with_others_after(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    mixed = [each for group in zip(whole("b"), whole("x"), whole("a"), strict=True) for each in group]
    write(path, mixed)
    settle_trace(path, ["a", "b", "never begun"])
    assert [each["dialogue"] for each in read(path)] == ["a"] * 13 + ["b"] * 13 + ["x"] * 13
    assert [each for each in read(path) if each["dialogue"] == "b"] == sorted(whole("b"), key=lambda e: order(e))


def order(each: dict[str, Any]) -> tuple[Any, ...]:
    """Worked by hand: talk before assessment; in a step nodes by name, calls before the node, tasks by name."""
    kinds = {"start": 0, "call": 1, "node": 2, "end": 3}
    later = each["graph"] == "assessment"
    return later, each["event"] == "end", each["step"], each["node"] or "", kinds[each["event"]], str(each.get("task"))


def test_events_written_twice_are_left_once_and_the_last_counts(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    first, again = whole("a", at=1.0), whole("a", at=2.0)
    write(path, [*first[:7], *again])
    settle_trace(path, ["a"])
    found = read(path)
    assert len(found) == len(again) == len({event_identity(each) for each in found})
    assert {each["answered_at"] for each in found if "answered_at" in each} == {2.0}


@given(st.permutations(whole("a")), st.lists(st.sampled_from(whole("a")), max_size=10), st.sampled_from("ab"))
def test_settling_depends_on_no_order_and_is_done_after_once(
    tmp_path_factory: pytest.TempPathFactory, events: list[Any], repeated: list[Any], wanted: str
) -> None:
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl"
    write(path, [*repeated, *events])
    settle_trace(path, [wanted])
    once = path.read_bytes()
    settle_trace(path, [wanted])
    assert path.read_bytes() == once
    found = read(path)
    assert sorted(map(str, found)) == sorted(map(str, whole("a")))
    assert [order(each) for each in found] == sorted(order(each) for each in found)


@pytest.mark.parametrize("torn", [b"{", b'{"v": 1, "dialogue": "b', b"\x00" * 70_000])
def test_a_torn_tail_is_cut_off_and_the_next_event_stands_on_its_own_line(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "trace.jsonl"
    write(path, whole("a")[:3])
    with path.open("ab") as file:
        file.write(torn)
    write(path, whole("a")[3:])
    assert read(path) == whole("a")
    settle_trace(path, ["a"])
    assert len(read(path)) == 13


def test_nothing_is_written_after_closing(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    trace.close()
    trace.close()
    with pytest.raises(NotSavedError, match=r"trace\.jsonl: is closed"):
        trace.write(event("a", "assessment", 0, "start"))


def test_a_line_spoilt_by_hand_is_told(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    write(path, whole("a"))
    path.write_bytes(path.read_bytes() + b"\nnot mine\n")
    with pytest.raises(CocoonError, match=r"trace\.jsonl, line 15: not JSON .*fix or remove this line"):
        settle_trace(path, ["a"])
    assert b"not mine" in path.read_bytes()
