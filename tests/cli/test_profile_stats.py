"""`cocoon profiles stats`: Figure 3 and Table 8 of profiles, by hand and from the command line."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from cocoon.core.jsonl import dump_line
from cocoon.core.records import ChainStep, Memory, Profile
from cocoon.evaluation.text.profiles import category, description, profile_figures
from cocoon.reports.charts.profiles import profile_charts
from cocoon.tests.commands import cocoon
from cocoon.tests.reports.report_cases import dialogue


def person(name: str, *difficulties: int | None, scenario: str = "", emotion: str = "") -> Profile:
    """A profile whose chain has a step for each difficulty after its first need."""
    chain = [ChainStep(need="n0"), *(ChainStep(need=f"n{n}", difficulty=one) for n, one in enumerate(difficulties, 1))]
    feeling = f"I am {name} and tired"
    return Profile(
        id=name, language="en", feeling=feeling, need=chain[-1].need, chain=chain, scenario=scenario, emotion=emotion
    )


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    some = [
        person("ann", 2, 4, scenario="study: 25, last year", emotion="anxious"),
        person("bob", 3, scenario="study: 19", emotion="sad"),
        person("eve", None, scenario="work", emotion="anxious"),
        Profile(id="card", language="en", feeling="Someone with a card"),
    ]
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b"".join(map(dump_line, some)))
    return file


def test_figure_3_by_hand(profiles: Path) -> None:
    made = cocoon("profiles", "stats", str(profiles), "--json").json["files"]["mine"]
    assert (made["profiles"], made["with_need"], made["languages"]) == (4, 3, {"en": 4})
    assert made["scenarios"] == {"study": 2, "work": 1} and made["emotions"] == {"anxious": 2, "sad": 1}
    assert made["difficulty"] == {"1": {"3": 1, "unrated": 1}, "2": {"4": 1}}


def test_what_a_description_is() -> None:
    one = person("ann", 4).model_copy(update={"memory": [Memory(text="Yesterday.")]})
    assert description(one) == "I am ann and tired\nn1\nYesterday."
    assert (description(one, "feeling"), description(one, "memory")) == ("I am ann and tired", "Yesterday.")
    assert description(Profile(id="x", language="en", feeling=" "), "description") == ""
    assert [category(text) for text in ("学业：25岁", "Work: a: b", "loss")] == ["学业", "Work", "loss"]


def test_table_8_by_hand_and_beside_the_paper(profiles: Path) -> None:
    """The feelings of ann and bob: 5 tokens each, 4 shared, bigrams `and tired` and `i am` of 4."""
    two = profiles.with_name("two.jsonl")
    two.write_bytes(b"".join(profiles.read_bytes().splitlines(keepends=True)[:2]))
    done = cocoon("profiles", "stats", str(two), "--text", "feeling", "--like", "table8", "--json")
    rows = done.json["tables"]["like_paper"]["rows"]
    ours = next(row for row in rows if row["Source"] == "ours")
    assert (ours["Corpus"], ours["Language"], ours["Texts"]) == ("two", "en", "all 2")
    assert ours["measures"]["BLEU-2"]["value"] == pytest.approx((4 / 5 * 2 / 4) ** 0.5)
    assert ours["measures"]["D-2"]["value"] == 6 / 8
    paper = {row["Corpus"]: row["measures"]["Shannon entropy"]["value"] for row in rows if row["Source"] == "paper"}
    assert paper == {"COCOON": 10.17, "ExTES": 7.89, "ESConv": 8.24}
    assert "a token is one Chinese character" in done.json["tables"]["like_paper"]["note"]


def test_files_are_held_against_each_other_at_one_size(profiles: Path) -> None:
    done = cocoon("profiles", "stats", str(profiles), "shipped:en", "--json")
    drawn = {one["file"]: (one["all"]["texts"], one["drawn"]["texts"]) for one in done.json["diversity"]}
    assert drawn == {"mine": (4, 4), "shipped:en": (10, 4)}
    refused = cocoon("profiles", "stats", str(profiles), "--sample", "9")
    assert (refused.code, refused.err.count("\n")) == (2, 1) and "mine: has 4 texts in 'en', fewer than" in refused.err


def test_dialogues_give_their_profiles_once(tmp_path: Path) -> None:
    file = tmp_path / "dialogues.jsonl"
    file.write_bytes(b"".join(dump_line(dialogue(name)) for name in ("a/1", "a/2", "b/1")))
    assert cocoon("profiles", "stats", str(file), "--json").json["files"]["dialogues"]["profiles"] == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_figure_is_a_drawing_in_either_language(profiles: Path, tmp_path: Path, language: str) -> None:
    out = tmp_path / "deep" / "figure3.svg"
    done = cocoon("profiles", "stats", str(profiles), "--figure", str(out), "--language", language)
    assert done.code == 0 and f"written: {out}" in done.err
    texts = ["".join(one.itertext()) for one in ElementTree.fromstring(out.read_text("utf-8")).iter()]
    words = ("Scenarios", "Emotions", "not rated") if language == "en" else ("情境分布", "情绪分布", "未评")
    assert all(any(word == text for text in texts) for word in ("study", "anxious", *words))


def test_a_figure_without_chains_says_so() -> None:
    charts = profile_charts(profile_figures([Profile(id="a", language="zh", feeling="f")]), "zh")
    assert [chart.empty for chart in charts] == ["1 个画像中有此项的：0"] * 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("nowhere.jsonl",), "no such file"),
        (("shipped:en", "--like", "table3"), "profiles fill table8 alone"),
    ],
)
def test_errors_are_one_line(given: tuple[str, ...], told: str) -> None:
    done = cocoon("profiles", "stats", *given)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1) and told in done.err
