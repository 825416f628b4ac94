"""Preferences from judged runs: pairs that share their words, exported for TRL, read back by the importer."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.records import Dialogue, Profile, Rating, Turn, Verdict
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.success.verdicts import ATTRIBUTED
from cocoon.studies.preferences.pairs import read_preferences
from cocoon.tests.commands import cocoon
from cocoon.tests.embedded_model import convert_embedded_model, shallow_weights

OPENING, TIRED = "You look tired.", "I work too much."


def talk(name: str, *words: str, person: str = "p", cut: bool = False, **more: Any) -> Dialogue:
    """A talk that the supporter opens, with the words in turn."""
    roles: tuple[Literal["supporter", "user"], ...] = ("supporter", "user")
    turns = [Turn(role=roles[number % 2], content=text) for number, text in enumerate(words)]
    if cut:
        turns[-1].finish = "length"
    profile = Profile(id=person, language="en", feeling="tired", need="rest")
    return Dialogue(id=name, profile=profile, supporter="one", language="en", turns=turns, **more)


def judged(folder: Path, talks: Sequence[tuple[Dialogue, bool | None]]) -> Path:
    """A run folder with these talks, each with what its judge said."""
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text("{}", "utf-8")
    ratings = [
        Rating(
            dialogue=dialogue.id,
            profile=dialogue.profile.id,
            supporter="one",
            scale=ATTRIBUTED,
            judge="j",
            prompt_id="judge/x",
            prompt_sha="s",
            verdict=Verdict(success=success),
        )
        for dialogue, success in talks
    ]
    (folder / "dialogues.jsonl").write_bytes(b"".join(dump_line(dialogue) for dialogue, _ in talks))
    (folder / "ratings.jsonl").write_bytes(b"".join(map(dump_line, ratings)))
    return folder


def branched(tmp_path: Path) -> Path:
    """Futures of one place in a talk that failed: one found the need, one did not, one was cut."""
    parent = talk("a", OPENING, TIRED, "Work less.", "Hm.", "Really.")
    run = judged(tmp_path / "run", [(parent, False)])
    shared = {"parent": "a", "branched_at": 2}
    futures = [
        (talk("a-1", OPENING, TIRED, "You long for rest.", "Yes.", "I see.", **shared), True),
        (talk("a-2", OPENING, TIRED, "Who asked you to?", "Nobody.", **shared), False),
        (talk("a-3", OPENING, TIRED, "And who rests y", cut=True, **shared), True),
    ]
    out = judged(tmp_path / "branches", futures)
    (out / "branches.json").write_text(json.dumps({"run": str(run), "forks": [["a", 1]]}), "utf-8")
    return out


def words(turns: Sequence[Turn]) -> list[str]:
    return [turn.content for turn in turns]


def sides(dialogue: Dialogue) -> tuple[list[str], list[str], list[str]]:
    """What was said before, what was preferred and what was rejected."""
    assert dialogue.preference is not None
    first = dialogue.preference.first
    return words(dialogue.turns[:first]), words(dialogue.turns[first:]), words(dialogue.preference.rejected)


def test_futures_of_one_place_prefer_the_reply_there(tmp_path: Path) -> None:
    found = read_preferences(branched(tmp_path), "dpo")
    assert [sides(dialogue) for dialogue in found.dialogues] == [
        ([OPENING, TIRED], ["You long for rest."], ["Who asked you to?"])
    ]
    assert found.left_out == {"a reply was cut by its server": 1}


def test_every_future_and_the_talk_itself_is_good_or_bad_by_itself(tmp_path: Path) -> None:
    found = read_preferences(branched(tmp_path), "kto")
    assert sorted(sides(dialogue)[1:] for dialogue in found.dialogues) == [
        ([], ["Who asked you to?"]),
        ([], ["Work less."]),
        (["You long for rest."], []),
    ]
    assert found.left_out == {"a reply was cut by its server": 1}


def test_whole_talks_of_one_person_are_pairs_from_where_they_part(tmp_path: Path) -> None:
    good = talk("g", OPENING, TIRED, "You long for rest.", "Yes.", "I see.", "Thanks.")
    bad = talk("b", OPENING, TIRED, "Work less.", "No.", "Fine.")
    aside = talk("c", OPENING, "I am fine.", "Good.")
    stranger = talk("d", OPENING, TIRED, "Sleep.", person="q")
    unclear = talk("e", OPENING, TIRED, "Eat.", person="q")
    run = judged(tmp_path / "run", [(good, True), (bad, False), (aside, False), (stranger, True), (unclear, None)])
    found = read_preferences(run, "dpo")
    assert [sides(dialogue) for dialogue in found.dialogues] == [
        ([OPENING, TIRED], ["You long for rest.", "Yes.", "I see."], ["Work less.", "No.", "Fine."])
    ]
    assert found.left_out == {
        "no other outcome is left to compare it with": 2,
        "the judges did not say whether it succeeded": 1,
    }


def test_talks_that_part_at_the_users_words_are_no_pair(tmp_path: Path) -> None:
    one, other = talk("g", OPENING, TIRED, "Rest."), talk("b", OPENING, "I am fine.", "Good.")
    found = read_preferences(judged(tmp_path / "run", [(one, True), (other, False)]), "dpo")
    assert found.dialogues == [] and found.left_out == {"their words part at a turn of the user": 1}
    done = cocoon("export", str(tmp_path / "run"), "--to", "preferences", "-o", str(tmp_path / "out"))
    assert done.code == 2 and "1 left out: their words part at a turn of the user" in done.err


@pytest.mark.parametrize("form", ["dpo", "kto"])
def test_preferences_come_back_equal_through_the_importer(tmp_path: Path, form: Literal["dpo", "kto"]) -> None:
    out = tmp_path / "out"
    run = branched(tmp_path)
    done = cocoon("export", str(run), "--to", "preferences", "--format", form, "-o", str(out))
    assert done.code == 0 and "Preferences" not in done.err, done.err
    ours = list(read_records(out / "preferences.jsonl", Dialogue))
    reading = read_corpus("table", out / f"preferences.{form}.jsonl")
    again = list(reading.dialogues)
    assert [sides(dialogue) for dialogue in again] == [sides(dialogue) for dialogue in ours]
    assert reading.report.kind == form and reading.report.unread == {}
    assert f"cocoon corpus import {form}" in (out / "README.md").read_text("utf-8")
    # What the importer read can be exported anew, and gives the same file.
    imported, twice = tmp_path / "again.jsonl", tmp_path / "twice"
    cocoon("corpus", "import", form, str(out / f"preferences.{form}.jsonl"), "-o", str(imported))
    second = cocoon("corpus", "export", str(imported), "--format", form, "-o", str(twice), "--i-have-the-right")
    assert second.code == 0, second.err
    keys = ("prompt", "chosen", "rejected", "completion", "label")
    first_rows, second_rows = (
        [{key: row[key] for key in keys if key in row} for row in map(json.loads, file.read_text("utf-8").splitlines())]
        for file in (out / f"preferences.{form}.jsonl", twice / f"preferences.{form}.jsonl")
    )
    assert first_rows == second_rows


@pytest.mark.parametrize(
    ("form", "keys"), [("dpo", {"prompt", "chosen", "rejected"}), ("kto", {"prompt", "completion"})]
)
def test_trl_takes_the_rows_for_conversations(tmp_path: Path, form: str, keys: set[str]) -> None:
    data_utils = pytest.importorskip("trl.data_utils")
    out = tmp_path / "out"
    cocoon("export", str(branched(tmp_path)), "--to", "preferences", "--format", form, "-o", str(out))
    rows = [json.loads(line) for line in (out / f"preferences.{form}.jsonl").read_text("utf-8").splitlines()]
    assert rows and all(keys <= set(row) and data_utils.is_conversational(row) for row in rows)
    assert form == "dpo" or {row["label"] for row in rows} == {True, False}


def test_a_run_that_nobody_judged_has_no_preferences(tmp_path: Path) -> None:
    run = judged(tmp_path / "run", [(talk("g", OPENING, TIRED, "Rest."), True)])
    (run / "ratings.jsonl").write_text("", "utf-8")
    with pytest.raises(CocoonError, match="cocoon judge"):
        read_preferences(run, "dpo")
    wrong = cocoon("export", str(run), "--to", "preferences", "--format", "csv", "-o", str(tmp_path / "out"))
    assert wrong.code == 2 and "dpo, kto" in wrong.err


def test_dialogues_without_a_preference_are_no_preference_data(tmp_path: Path) -> None:
    file = tmp_path / "d.jsonl"
    file.write_bytes(dump_line(talk("g", OPENING, TIRED, "Rest.")))
    done = cocoon("corpus", "export", str(file), "--format", "dpo", "-o", str(tmp_path / "out"))
    assert done.code == 2 and "no dialogue has a preference" in done.err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["dpo", "kto"])
def test_trl_trains_a_step_on_the_file(tmp_path: Path, form: str) -> None:
    datasets = pytest.importorskip("datasets")
    trl = pytest.importorskip("trl")
    if form == "kto" and not hasattr(trl, "KTOTrainer"):
        trl = pytest.importorskip("trl.experimental.kto")
    convert_embedded_model()
    weights = shallow_weights("smollm2", "cpu", None)
    out = tmp_path / "out"
    cocoon("export", str(branched(tmp_path)), "--to", "preferences", "--format", form, "-o", str(out))
    file = str(out / f"preferences.{form}.jsonl")
    rows = datasets.load_dataset("json", data_files=file, split="train", cache_dir=str(tmp_path / "cache"))
    limits = {"max_steps": 1, "per_device_train_batch_size": 2, "use_cpu": True, "bf16": False, "report_to": []}
    arguments = getattr(trl, f"{form.upper()}Config")(output_dir=str(tmp_path / "trained"), **limits)
    trainer = getattr(trl, f"{form.upper()}Trainer")
    done = trainer(weights.network, args=arguments, train_dataset=rows, processing_class=weights.tokenizer).train()
    assert done.global_step == 1 and math.isfinite(done.training_loss)
