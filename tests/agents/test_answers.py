"""Typed answers: their schemas are those of the first release, and reading them converts and invents nothing."""

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.agents.judges.pair import ComparisonAnswer
from cocoon.agents.users.appraiser import appraisal_answer
from cocoon.agents.writers.pairs import pairs_answer
from cocoon.agents.writers.profiles import DifficultyAnswer, FeelingAnswer, NeedAnswer, memories_answer
from cocoon.agents.writers.scripts import (
    Analysis,
    Annotation,
    ListeningCheck,
    Statement,
    listening_piece,
    reading_answer,
    suggestion_stage,
)
from cocoon.core.answers import (
    Line,
    Longest,
    Missing,
    NeededLine,
    TypedAnswer,
    otherwise,
    read_answer,
    schema_of,
    worded,
)
from cocoon.core.jsonl import read_lines
from cocoon.evaluation.scales.scoring import load_scale, permuted, scale_answer
from cocoon.evaluation.success.verdicts import NamedAnswer, VerdictAnswer
from cocoon.graphs.translation import translated_texts
from cocoon.models.probe import ColourAnswer

# Written by hand in the first release, and part of every call's identity in the journals since.
SCHEMAS = {
    line["name"]: line["schema"]
    for _, line in read_lines(Path(__file__).parent.parent / "data" / "answer_schemas.jsonl")
}
KINDS: dict[str, type[TypedAnswer]] = {
    **{f"appraisal {nodes}": appraisal_answer(nodes) for nodes in (0, 1, 3)},
    "named": NamedAnswer,
    "verdict": VerdictAnswer,
    "comparison": ComparisonAnswer,
    "need": NeedAnswer,
    "feeling": FeelingAnswer,
    "difficulty": DifficultyAnswer,
    "memories 6": memories_answer(6),
    "listening (3, True)": listening_piece(3, True),
    "listening (2, False)": listening_piece(2, False),
    "suggestion 4": suggestion_stage(4),
    "check": ListeningCheck,
    "statement": Statement,
    "analysis": Analysis,
    "annotation": Annotation,
    "reading same": reading_answer("confirm"),
    "reading advice": reading_answer("advises"),
    "reading asks": reading_answer("asks"),
    "pairs 6": pairs_answer(6),
    "scale aels": scale_answer(load_scale("aels")),
    "scale esc_rank": scale_answer(load_scale("esc_rank")),
    "permuted": scale_answer(permuted(load_scale("aels"), 2)),
    "translation 2 1 300": translated_texts(2, 1, 1800),
    "translation 0 0": translated_texts(0, 0, 1200),
    "probe": ColourAnswer,
}


def in_order(schema: Any) -> str:
    """A schema as text, its properties in their order and its keywords sorted."""
    if isinstance(schema, dict):
        properties = {"properties": list(schema["properties"].items())} if "properties" in schema else {}
        return str(sorted((keyword, in_order(child)) for keyword, child in (schema | properties).items()))
    return str([in_order(child) for child in schema]) if isinstance(schema, list | tuple) else repr(schema)


def test_every_schema_of_the_first_release_has_its_answer() -> None:
    assert SCHEMAS.keys() == KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_the_schema_is_the_one_that_was_written_by_hand(name: str) -> None:
    assert schema_of(KINDS[name]) == SCHEMAS[name]
    assert in_order(schema_of(KINDS[name])) == in_order(SCHEMAS[name])


def test_a_form_is_made_once() -> None:
    assert listening_piece(3, True) is listening_piece(3, True) is not listening_piece(3, False)
    assert scale_answer(load_scale("aels")) is scale_answer(load_scale("aels"))


class Part(TypedAnswer):
    title: Annotated[NeededLine, Longest(20)]


class Whole(TypedAnswer):
    """A text that no model is sent."""

    number: int
    share: float = 0.5
    parts: list[Part] = []
    remark: Annotated[Line, Longest(20)] = ""
    found: Annotated[bool | None, worded("'found' is neither true nor false")] = None
    turn: Annotated[int | None, otherwise(None)] = None


GOOD = {"number": 3, "share": 0.25, "parts": [{"title": " a \n b "}], "remark": "x" * 30, "found": True, "turn": 4}


def test_an_answer_is_read_and_its_texts_stand_on_one_line() -> None:
    answer = read_answer({**GOOD, "more": "is passed over"}, Whole)
    assert answer == Whole(number=3, share=0.25, parts=[Part(title="a b")], remark="x" * 30, found=True, turn=4)


def test_a_key_may_have_the_name_of_a_keyword() -> None:
    part = schema_of(Whole)["properties"]["parts"]["items"]
    assert part["properties"] == {"title": {"type": "string", "maxLength": 20}} and part["required"] == ["title"]
    assert "A text" not in json.dumps(schema_of(Whole)) and "default" not in json.dumps(schema_of(Whole))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"number": "3"}, "key 'number': Input should be a valid integer"),
        ({"number": 3.0}, "key 'number': Input should be a valid integer"),
        ({"number": True}, "key 'number': Input should be a valid integer"),
        ({"parts": [{"title": "a"}, {"title": " \n"}]}, "key 'parts.1.title': a text is needed"),
        ({"parts": [{"title": 5}]}, "key 'parts.0.title': a text is needed"),
        ({"parts": [{}]}, "no 'parts.0.title' in the answer"),
        ({"found": 1}, "'found' is neither true nor false"),
        # The reason stands before the value, and what is wrong with the value is reported.
        ({"number": "3", "found": "yes"}, "'found' is neither true nor false"),
    ],
)
def test_what_cannot_be_read_is_missing_with_the_reason(change: dict[str, Any], problem: str) -> None:
    assert read_answer({**GOOD, **change}, Whole) == Missing(problem)


def test_what_may_be_absent_is_left_open_and_never_guessed() -> None:
    answer = read_answer({"number": 1, "remark": ["x"], "turn": "4"}, Whole)
    assert answer == Whole(number=1)
    assert isinstance(answer, Whole) and (answer.remark, answer.turn, answer.found) == ("", None, None)


VALUES = st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})


@given(st.dictionaries(st.sampled_from([*Whole.model_fields, "more"]), VALUES))
def test_no_value_is_invented_or_converted(value: dict[str, Any]) -> None:
    answer = read_answer(value, Whole)
    if isinstance(answer, Missing):
        assert answer.reason.isprintable()
        return
    assert type(value["number"]) is int and answer.number == value["number"]
    for key in ("share", "found", "turn"):
        read = getattr(answer, key)
        # JSON knows one kind of number: 0 is read as 0.0 where a share is asked for.
        whole = key == "share" and type(value.get(key)) is int and read == value[key]
        assert read is Whole.model_fields[key].default or whole or repr(read) == repr(value[key])
    assert answer.remark in ("", " ".join(str(value.get("remark")).split()))
