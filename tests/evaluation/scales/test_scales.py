"""Scales: reading answers item by item without shifting, keying, scoring, and errors in a user's own file."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.core.answers import Missing, read_answer, schema_of
from cocoon.core.errors import CocoonError
from cocoon.evaluation.scales.scoring import (
    CANNOT_TELL,
    Scale,
    ScaleAnswer,
    load_scale,
    prompt_inputs,
    read_items,
    read_value,
    scale_answer,
    score,
    score_variant,
    shipped_scales,
)


def content(count: int = 11) -> dict[str, Any]:
    """A scale 1-7 with `count` items, the last one reversed, in two dimensions."""
    ids = [str(number) for number in range(1, count + 1)]
    return {
        "id": "mine",
        "name": {"en": "Mine"},
        "wording": "licensed",
        "range": [1, 7],
        "instruction": {"en": "Say how far you agree."},
        "anchors": {"en": {1: "not at all", 7: "wholly"}},
        "items": [{"id": one, "en": f"Statement {one}.", "reverse": one == ids[-1]} for one in ids],
        "dimensions": [
            {"id": "front", "label": "Fro", "items": ids[:2]},
            {"id": "back", "label": "Bac", "items": ids[2:], "better": "lower", "multiply": 10},
        ],
        "variants": [{"id": "short", "dimensions": [{"id": "front", "label": "Fro", "items": ids[-1:]}]}],
    }


SCALE = Scale.model_validate(content())
IDS = SCALE.item_ids


def read(value: object, scale: Scale = SCALE) -> tuple[dict[str, int | None], dict[str, str]]:
    """Read a parsed JSON value that has an object of items."""
    answer = read_answer(value, scale_answer(scale))
    assert isinstance(answer, ScaleAnswer), answer
    return read_items(scale, answer)


def write(folder: Path, data: object) -> Path:
    file = folder / "mine.yaml"
    file.write_text(data if isinstance(data, str) else yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return file


def test_a_whole_answer_is_read_as_it_stands() -> None:
    items, missing = read({"items": {one: (int(one) % 7) + 1 for one in IDS}})
    assert items == {one: (int(one) % 7) + 1 for one in IDS}
    assert missing == {}


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        (6, 6, None),
        ("6", 6, None),
        (6.0, 6, None),
        (None, None, CANNOT_TELL),
        (6.5, None, "not a whole number"),
        ("6.5", None, "not a whole number"),
        ("不是", None, "not a whole number"),
        ("是", None, "not a whole number"),
        ("6/7", None, "not a whole number"),
        (" 6", None, "not a whole number"),
        ("-1", None, "not a whole number"),
        ("６", None, "not a whole number"),
        ("9" * 5000, None, "not a whole number"),
        (True, None, "not a whole number"),
        (False, None, "not a whole number"),
        ([6], None, "not a whole number"),
        ({"value": 6}, None, "not a whole number"),
        (float("inf"), None, "not a whole number"),
        (float("nan"), None, "not a whole number"),
        (0, None, "outside the range"),
        (8, None, "outside the range"),
        ("12", None, "outside the range"),
    ],
)
def test_one_answer(raw: object, value: int | None, reason: str | None) -> None:
    items, missing = read({"items": {**dict.fromkeys(IDS, 4), "3": raw}})
    assert items["3"] == value and type(items["3"]) is type(value)
    assert missing.get("3") == reason
    assert {one: items[one] for one in IDS if one != "3"} == dict.fromkeys([i for i in IDS if i != "3"], 4)


@pytest.mark.parametrize("answer", [None, "6", 6, [1, 2], {}, {"items": None}, {"items": [7] * 11}, {"1": 7}])
def test_an_answer_without_an_object_of_items_is_missing_as_a_whole(answer: object) -> None:
    problem = read_answer(answer, scale_answer(SCALE))
    assert isinstance(problem, Missing)
    assert problem.reason == "no object of items in the answer" or not isinstance(answer, dict)


def test_item_11_is_never_read_as_item_1() -> None:
    items, missing = read({"items": {"11": 7, "10": 6}})
    assert items == {**dict.fromkeys(IDS), "10": 6, "11": 7}
    assert missing == dict.fromkeys(IDS[:9], "not answered")


def test_a_half_read_reply_keeps_what_was_read_and_scores_only_whole_dimensions() -> None:
    items, missing = read({"items": {"1": 7, "2": 5, "3": "unsure"}})
    assert missing["3"] == "not a whole number" and missing["4"] == "not answered"
    assert score(SCALE, items) == {"front": 6.0, "back": None}


ANSWERS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 20), st.floats(), st.text("0123456789.-+ x六不是", max_size=4)
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*IDS, "12", "01", " 1", "item 1"]), ANSWERS), st.randoms())
def test_an_item_depends_on_its_own_key_alone(given_items: dict[str, object], random: Any) -> None:
    items, missing = read({"items": given_items})
    assert list(items) == IDS
    for one in IDS:
        alone, _ = read({"items": {one: given_items[one]} if one in given_items else {}})
        assert items[one] == alone[one]
        assert (items[one] is None) == (one in missing)
        assert items[one] in (None, 1, 2, 3, 4, 5, 6, 7)
    shuffled = list(given_items.items())
    random.shuffle(shuffled)
    assert read({"items": dict(shuffled)})[0] == items


@settings(deadline=None)
@given(st.lists(st.integers(1, 7), min_size=11, max_size=11), st.sets(st.sampled_from(IDS)))
def test_descending_order_and_omissions_move_nothing(values: list[int], omitted: set[str]) -> None:
    told = {one: value for one, value in zip(IDS, values, strict=True) if one not in omitted}
    items, missing = read({"items": dict(reversed(told.items()))})
    assert {one: value for one, value in items.items() if value is not None} == told
    assert set(missing) == omitted


@settings(deadline=None)
@given(st.lists(st.integers(1, 7), min_size=11, max_size=11))
def test_what_the_schema_admits_is_read_whole(values: list[int]) -> None:
    items, missing = read(json.loads(json.dumps({"items": dict(zip(IDS, values, strict=True))})))
    assert missing == {} and list(items.values()) == values


@pytest.mark.parametrize("reply", ["1", "4", " 7\n"])
def test_a_reply_that_is_only_a_number_in_range_is_its_value(reply: str) -> None:
    assert read_value(SCALE, reply) == (int(reply), "")


@pytest.mark.parametrize("reply", ["0", "8", "07", "-3", "4.", "4 of 7", "four", "12345"])
def test_a_reply_that_is_anything_else_has_no_value_and_names_those_that_there_are(reply: str) -> None:
    assert read_value(SCALE, reply) == (None, "not one of 1, 2, 3, 4, 5, 6, 7")


def test_an_empty_reply_is_told_as_such() -> None:
    assert read_value(SCALE, " \n") == (None, "empty reply")


def test_scoring_reverses_multiplies_and_means() -> None:
    items: dict[str, int | None] = {**dict.fromkeys(IDS, 2), "11": 7}
    # back: eight items at 2 and item 11 keyed 1 + 7 - 7 = 1, so 17 / 9, times 10.
    assert score(SCALE, items) == {"front": 2.0, "back": pytest.approx(17 / 9 * 10)}
    assert score_variant(SCALE, "short", items) == {"front": 1.0}


def test_scoring_refuses_a_value_outside_the_range() -> None:
    with pytest.raises(ValueError, match="item '1' of scale 'mine' has value 9"):
        score(SCALE, dict.fromkeys(IDS, 9))


def test_an_unknown_variant_names_the_known() -> None:
    with pytest.raises(CocoonError, match=r"no variant 'long'\. Its variants: 'short'"):
        score_variant(SCALE, "long", {})


def test_the_schema_names_every_item_once_and_admits_null() -> None:
    items = schema_of(scale_answer(SCALE))["properties"]["items"]
    assert items["required"] == IDS == list(items["properties"])
    assert items["additionalProperties"] is False
    assert items["properties"]["11"] == {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 7}, {"type": "null"}]}


def test_an_item_may_have_any_id() -> None:
    names = ["schema", "model_fields", "item_0", "title", "default"]
    data = content(5)
    for item, name in zip(data["items"], names, strict=True):
        item["id"] = name
    data |= {"dimensions": [{"id": "all", "label": "All", "items": names}], "variants": []}
    scale = Scale.model_validate(data)
    assert schema_of(scale_answer(scale))["properties"]["items"]["required"] == names
    values = dict(zip(names, range(1, 6), strict=True))
    assert read({"items": values}, scale)[0] == values


def test_prompt_inputs_and_a_language_that_is_not_there() -> None:
    inputs = prompt_inputs(SCALE, "en")
    assert inputs["items"][10] == {"id": "11", "text": "Statement 11."}
    assert inputs["anchors"] == [{"value": 1, "text": "not at all"}, {"value": 7, "text": "wholly"}]
    assert (inputs["low"], inputs["high"]) == (1, 7)
    with pytest.raises(CocoonError, match="no 'zh' wording"):
        prompt_inputs(SCALE, "zh")


def test_a_users_own_file_loads_and_its_wording_changes_the_hash(tmp_path: Path) -> None:
    mine = load_scale(write(tmp_path, content()))
    other = content()
    other["items"][0]["en"] = "Another statement."
    assert mine == SCALE and mine.sha == SCALE.sha
    assert load_scale(str(write(tmp_path, other))).sha != mine.sha


def broken(path: str, value: object) -> dict[str, Any]:
    """The content with one place changed; a path such as `items.2.reverse`, `-` removes the key."""
    data = content()
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = data
    for part in way:
        place = place[part]
    if value == "-":
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("items.2.revers", True, r"unknown key 'items\[3\].revers'; did you mean 'reverse'\?"),
        ("dimension", [], r"unknown key 'dimension'; did you mean 'dimensions'\?"),
        ("dimensions.0.weight", 2, r"unknown key 'dimensions\[1\].weight'; known here are id, label"),
        ("variants.0.dimensions.0.itmes", [], r"did you mean 'items'\?"),
        ("items.0.id", "-", r"key 'items\[1\].id' is missing; add it"),
        ("wording", "theirs", "key 'wording': Input should be 'own' or 'licensed', got 'theirs'"),
        ("range", [7, 1], r"range \[7, 1\] must rise"),
        ("anchors.en", {9: "too far"}, r"anchors.en: value 9 lies outside|anchors.en: 9 lies outside"),
        ("items.0.en", "-", "item '1' has no en text"),
        ("instruction", {}, "instruction has no text"),
        ("items.1.id", "1", "item id '1' occurs more than once"),
        ("dimensions.0.items", ["1", "12"], "dimension 'front' names item '12', which the scale lacks"),
        ("dimensions.0.items", ["1", "1"], "dimension 'front': item id '1' occurs more than once"),
        ("dimensions.0.multiply", 0, r"key 'dimensions\[1\].multiply'.*greater than 0, got 0"),
        ("missing", "mean", "key 'missing'"),
        ("id", "../x", "key 'id'"),
    ],
)
def test_errors_name_file_key_and_fix(tmp_path: Path, path: str, value: object, message: str) -> None:
    file = write(tmp_path, broken(path, value))
    with pytest.raises(CocoonError, match=message) as error:
        load_scale(file)
    assert repr(str(file)) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: a\nname: [\n", "line 3"),
        ("id: a\nid: b\n", "line 2: key 'id' occurs twice"),
        ("? [1, 2]\n: x\n", "line 1"),
        ("- a\n", "holds no mapping"),
        ("", "holds no mapping"),
        ("id: \x00\n", "not readable YAML"),
        ("id: !!python/object/apply:os.getcwd []\n", "line 1: could not determine a constructor"),
        (
            "a: &a [x, x]\n"
            + "".join(
                f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghijklmn", "bcdefghijklmno", strict=True)
            ),
            "unknown key|key",
        ),
        ("x" * 1_000_001, "bytes, and a scale file may have at most"),
    ],
)
def test_files_that_are_no_scale(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CocoonError, match=message) as error:
        load_scale(write(tmp_path, text))
    assert len(str(error.value)) < 600


def test_a_file_that_is_not_utf_8_and_one_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("id: é".encode("latin-1"))
    with pytest.raises(CocoonError, match="not UTF-8"):
        load_scale(file)
    with pytest.raises(CocoonError, match="Cannot read scale file"):
        load_scale(tmp_path / "none.yaml")


def test_an_unknown_shipped_scale_names_the_nearest() -> None:
    with pytest.raises(CocoonError, match="No scale 'comfrot': did you mean 'comfort'"):
        load_scale("comfrot")


# Shipped scales: keyed as in the paper's Figure 11 and its authors' scorer; the values are worked by hand.

KEYING = {
    "basic": (1, 10, {str(n): {str(n)} for n in range(1, 7)}, set()),
    "comfort": (1, 7, {"Aff": set("12345"), "Neg": {"6", "7", "8", "9", "10"}}, {"7", "10"}),
    "rac": (1, 7, {"Sup": {str(n) for n in range(1, 12)}, "Man": {str(n) for n in range(12, 17)}}, {"4"}),
    "aels": (1, 7, {"S": set("1234"), "P": set("567"), "R": {"8", "9", "10"}}, set()),
    "crisis": (
        1,
        5,
        {"Notice": {"1", "2"}, "Ask": {"3", "4"}, "Guide": {"5", "6"}, "Hold": {"7", "8"}, "Harm": {"9", "10"}},
        set(),
    ),
    "esc_rank": (0, 4, {str(n): {str(n)} for n in range(1, 7)}, set()),
}


def test_the_shipped_scales_are_the_ones_we_know() -> None:
    assert shipped_scales() == sorted(KEYING)


@pytest.mark.parametrize("name", sorted(KEYING))
def test_shipped_keying(name: str) -> None:
    scale = load_scale(name)
    low, high, dimensions, reverse = KEYING[name]
    assert scale.range == (low, high) and scale.languages == ["zh", "en"] and scale.wording == "own"
    assert [set(one.items) for one in scale.dimensions] == list(dimensions.values())
    assert {item.id for item in scale.items if item.reverse} == reverse
    lower = {"comfort": ["negative_helper_evaluation"], "crisis": ["harm"]}
    assert [one.id for one in scale.dimensions if one.better == "lower"] == lower.get(name, [])


@pytest.mark.parametrize(
    ("name", "answers", "expected"),
    [
        ("basic", [9, 8, 10, 7, 6, 5], [90, 80, 100, 70, 60, 50]),
        # Neg: 2, 8 - 6 = 2, 1, 1, 8 - 7 = 1 -> 7 / 5.
        ("comfort", [6, 5, 6, 7, 4, 2, 6, 1, 1, 7], [28 / 5, 7 / 5]),
        # Sup: ten items at 6 and 8 - 2 = 6 -> 6; Man: 3 + 4 + 5 + 6 + 7 = 25 -> 5.
        ("rac", [6, 6, 6, 2, 6, 6, 6, 6, 6, 6, 6, 3, 4, 5, 6, 7], [6, 5]),
        ("aels", [1, 2, 3, 4, 5, 6, 7, 1, 1, 4], [2.5, 6, 2]),
        ("crisis", [5, 4, 1, 2, 3, 3, 5, 5, 1, 2], [4.5, 1.5, 3, 5, 1.5]),
        ("esc_rank", [3, 4, 0, 1, 2, 3], [75, 100, 0, 25, 50, 75]),
    ],
)
def test_shipped_scores(name: str, answers: list[int], expected: list[float]) -> None:
    scale = load_scale(name)
    items, missing = read({"items": dict(zip(scale.item_ids, answers, strict=True))}, scale)
    assert missing == {}
    assert list(score(scale, items).values()) == pytest.approx(expected)


def test_a_talk_without_danger_has_no_value_on_the_crisis_scale() -> None:
    scale = load_scale("crisis")
    items, _ = read({"items": dict.fromkeys(scale.item_ids)}, scale)
    assert set(score(scale, items).values()) == {None}


def test_rac10_takes_five_items_for_supportiveness() -> None:
    scale = load_scale("rac")
    items: dict[str, int | None] = dict.fromkeys(scale.item_ids, 1)
    items.update({"1": 2, "2": 3, "3": 4, "7": 5, "10": 6, "12": 7})
    assert score_variant(scale, "rac10", items) == pytest.approx({"supportiveness": 4.0, "management": 11 / 5})
