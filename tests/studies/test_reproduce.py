"""A table made again from corpora to figures: tiny bases trained for real, talks and judging over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue, Profile
from cocoon.tests.commands import Done, cocoon, endpoint
from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.training.training_cases import talk, write_talks
from cocoon.training.adapters.card import read_card

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"


def esconv(path: Path) -> Path:
    """Ten talks in ESConv's layout."""
    talks = [
        {
            "emotion_type": "sadness",
            "problem_type": f"problem {number}",
            "situation": f"My week {number} was long.",
            "dialog": [
                {"speaker": "seeker" if place % 2 else "supporter", "content": turn.content, "annotation": {}}
                for place, turn in enumerate(talk(number, 5).turns)
            ],
        }
        for number in range(10)
    ]
    path.write_text(json.dumps(talks), "utf-8")
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with a tiny base and corpora, and the settings of a rehearsal over them."""
    folder = tmp_path_factory.mktemp("study")
    script = list(read_records(EXAMPLES / "open" / "scripts.en.jsonl", Dialogue))[:6]
    held = next(one for one in read_records(EXAMPLES / "profiles" / "en.jsonl", Profile) if one.id == "en-01")
    script.append(script[0].model_copy(update={"id": "leak", "profile": held}))
    own = write_talks(folder / "script.jsonl", script)
    rows = [
        {"label": "ESC", "corpus": "esconv", "file": str(esconv(folder / "esconv.json")), "language": "en"},
        {
            "label": "SMILE",
            "corpus": "smile",
            "file": str(EXAMPLES / "corpora" / "smile_sample.jsonl"),
            "language": "zh",
            "subset": True,
        },
        {"label": "COCOON", "file": str(own), "language": "en", "thoughts": "inline", "own": True},
        {"label": "w/o thoughts", "file": str(own), "language": "en", "own": True},
    ]
    settings = {
        "rehearsal": True,
        "base": f"local:{tiny_folder(folder / 'base', context=4096)}",
        "limit": 2,
        "profiles": ["shipped"],
        "rows": rows,
        "rounds": 1,
        "form_pairs": 0,
        "max_tokens": 20,
        "data": {"max_length": 2048, "validation": 0.2},
        "lora": {"rank": 4},
        "fit": {"steps": 2, "accumulate": 1, "evaluate_every": 1, "dtype": "float32"},
    }
    return folder, settings


def run(study: tuple[Path, dict[str, Any]], spec: str, *more: str, table: str = "table3", out: str = "out") -> Done:
    folder, settings = study
    talking = {"user": {"model": spec, "kind": "guarded", "appraiser": "rule"}, "judge": {"model": spec}}
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump({**settings, **talking}), "utf-8")
    return cocoon("reproduce", table, "--config", str(file), "--out", str(folder / out), *more)


@pytest.fixture(scope="module")
def made(study: tuple[Path, dict[str, Any]]) -> tuple[Path, Done, Done]:
    """The rehearsal done once, and once more after that."""
    with endpoint() as spec:
        first = run(study, spec)
        assert first.code == 0, first.err
        again = run(study, spec, "--json")
    return study[0] / "out", first, again


def test_the_rehearsal_ends_in_a_table_that_says_what_it_is(made: tuple[Path, Done, Done]) -> None:
    out, first, _ = made
    text = first.out
    assert text.index("A rehearsal:") < text.index("| Source |")
    for supporter in ("ESC", "SMILE", "COCOON", "w-o-thoughts", "untrained"):
        assert "| ours |" in text and f"| {supporter} |" in text
    assert "0.72" in text and "| paper |" in text
    assert "an order across languages is not told here" in text
    assert "not released" in text and "SoulChat" in text
    assert "People: 2, the same for every row" in text and "(people held out: 2)" in text
    assert "COCOON: 1 of 7 dialogues are of people held out" in first.err
    assert "Trust rules" in text and "Not finished" not in text
    assert {file.name for file in out.iterdir()} >= {"table3.md", "table3.html", "tables", "reproduce.yaml"}


def test_the_same_command_trains_and_asks_nothing_again(made: tuple[Path, Done, Done]) -> None:
    _, _, again = made
    assert again.code == 0
    assert again.err.count("was trained to the end before") == 4
    assert again.err.count("imported before") == 4
    table = next(iter(again.json["tables"].values()))
    ours = [row for row in table["rows"] if row["Source"] == "ours"]
    # Untrained speaks both languages.
    assert len(ours) == 6
    assert {row["Language"] for row in ours} == {"en", "zh"}


def test_rows_with_and_without_thoughts_are_trained_on_the_same_split_without_held_out_people(
    made: tuple[Path, Done, Done],
) -> None:
    out = made[0]
    cards = {name: read_card(out / "adapters" / name) for name in ("COCOON", "w-o-thoughts", "SMILE")}
    with_thoughts, without, smile = (cards[name] for name in ("COCOON", "w-o-thoughts", "SMILE"))
    assert with_thoughts and without and smile
    assert with_thoughts.split_sha256 == without.split_sha256
    assert (with_thoughts.thoughts, without.thoughts) == ("inline", "none")
    assert with_thoughts.train.trained > without.train.trained
    assert with_thoughts.dropped == {"evaluation_profile": 1}
    assert smile.drawn == 10


def test_the_same_people_speak_in_every_language(made: tuple[Path, Done, Done]) -> None:
    people = list(read_records(made[0] / "profiles.jsonl", Profile))
    by_language = {
        language: {one.translation_of or one.id for one in people if one.language == language}
        for language in ("en", "zh")
    }
    assert by_language["en"] == by_language["zh"] and len(people) == 4


@pytest.mark.parametrize(
    ("table", "columns"),
    [("table4", "Basic Avg"), ("table5", ""), ("table7", "Skil"), ("table9", "Skil")],
)
def test_other_tables_are_made_in_their_forms_with_adapters_that_are_there(
    made: tuple[Path, Done, Done], study: tuple[Path, dict[str, Any]], table: str, columns: str
) -> None:
    folder, settings = study
    rows = [{**settings["rows"][0], "adapter": str(made[0] / "adapters" / "ESC")}]
    with endpoint() as spec:
        done = run((folder, {**settings, "rows": rows, "limit": 1}), spec, table=table, out=table)
    assert done.code == 0, done.err
    assert "training ESC" not in done.err
    if table == "table5":
        assert (
            "is made of people's ratings" in done.err
            and "table5/runs/en in a study of `cocoon human serve`" in done.err
        )
        return
    assert f"Table {table[5:]} of the paper" in done.out and columns in done.out and "| paper |" in done.out
    assert "but ESC came trained: see their cards" in done.out
    # The paper's other name of this corpus is known to be the same.
    assert "ESConv" not in done.out.partition("not made again:")[2].partition("\n")[0]


def test_a_table_of_half_a_run_says_so(study: tuple[Path, dict[str, Any]], made: tuple[Path, Done, Done]) -> None:
    folder, settings = study
    rows = [{**settings["rows"][0], "adapter": str(made[0] / "adapters" / "ESC")}]
    with endpoint() as spec:
        given = (folder, {**settings, "rows": rows, "limit": 2})
        done = run(given, spec, "-n", "1", "--stages", "import,simulate", out="half")
        assert done.code == 0, done.err
        done = run(given, spec, "--stages", "report", out="half")
    assert "Not finished: 2 of 4 dialogues are made, 2 of them rated. The same command goes on." in done.out


def test_more_people_may_talk_later_since_all_are_held_out_from_the_start(study: tuple[Path, dict[str, Any]]) -> None:
    folder, settings = study
    spec = "http://127.0.0.1:9/v1#nobody"
    done = run(study, spec, "--stages", "import", "-n", "1", out="few")
    assert "feeling and need: 2; talking: 1, each in en, zh" in done.err

    def count(name: str) -> int:
        return sum(1 for _ in read_records(folder / "few" / name, Profile))

    assert (count("held_out.jsonl"), count("profiles.jsonl")) == (4, 2)
    assert run(study, spec, "--stages", " import", out="few").code == 0
    assert (count("held_out.jsonl"), count("profiles.jsonl")) == (4, 4)
    done = run((folder, {**settings, "limit": 3}), spec, "--stages", "import", out="few")
    assert done.code == 2 and "begun with other settings (limit" in done.err


def test_stages_can_be_left_out_and_miss_what_was_left_out(study: tuple[Path, dict[str, Any]]) -> None:
    spec = "http://127.0.0.1:9/v1#nobody"
    done = run(study, spec, "--stages", "train", out="bare")
    assert done.code == 2 and "run the stage `import` first" in done.err
    assert run(study, spec, "--stages", "import", out="bare").code == 0
    done = run(study, spec, "--stages", "simulate", out="bare")
    assert done.code == 2 and "run the stage `train` first" in done.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": []}, "no rows"),
        ({"profiles": []}, "no profiles"),
        ({"profiles": ["shipped:en"]}, "nobody stands in all of en, zh"),
        ({"table": "table9", "judge": {"model": None}}, "give --judge SPEC"),
    ],
)
def test_wrong_studies_are_one_line(
    study: tuple[Path, dict[str, Any]], tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    file = tmp_path / "study.yaml"
    given = {**study[1], "judge": {"model": "scripted:nowhere"}, **changes}
    table = given.pop("table", "table3")
    file.write_text(yaml.safe_dump(given), "utf-8")
    done = cocoon("reproduce", table, "--config", str(file), "--out", str(tmp_path / "out"))
    assert done.code == 2 and words in done.err, done.err
    assert len(done.err.strip().splitlines()) == 1


def test_shipped_studies_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = cocoon(
        *("reproduce", "table3", "--config", "examples/reproduce/table3_rehearsal.yaml"),
        *("--out", str(tmp_path / "out"), "--stages", "import"),
    )
    assert done.code == 0, done.err
    done = cocoon(
        *("reproduce", "table3", "--config", "examples/reproduce/table3.yaml", "--out", str(tmp_path / "b")),
        *("--stages", "import"),
    )
    assert "PROFILES.jsonl" in done.err
