"""Loaders on the real files, where they are at hand: as many dialogues, people and turns as were counted."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cocoon.corpora.profile_loaders import load_foreign_profiles
from cocoon.tests.commands import cocoon
from cocoon.tests.conversations import ROOT

DATA = ROOT.parent / "shared" / "data"
# File of ../shared/data -> dialogues, turns by the paper's counting.
REAL: dict[tuple[str, str], tuple[int, float]] = {
    ("smile", "smile/smilechat_sample1228.jsonl"): (1228, 5.739),
    ("esconv", "multiesc_esconv/valid.jsonl"): (195, 11.454),
    ("esconv", "ppdpp_esconv/esc-valid.jsonl"): (130, 11.450),
    ("esconv-failed", "esconv/FailedESConv.json"): (196, 10.122),
    ("extes", "extes_fixture/extes_variants.json"): (4, 1.75),
    ("esdcot", "escot/val.json"): (172, 11.930),
    ("esdcot", "escot/ablation_em_es_ia_sr_re_valid.json"): (172, 11.930),
    ("cpsycound", "cpsycoun/CPsyCounD_part1.jsonl"): (1583, 7.974),
    ("cpsycound", "cpsycoun/CPsyCounD_part2.jsonl"): (1501, 7.976),
    ("cpsycoune", "cpsycoun/CPsyCounE_all.json"): (45, 6.578),
    ("emollm", "emollm_shape/shape.json"): (1, 2.0),
    ("psydt", "soulchat_psydt/psydt_record.json"): (1, 1.0),
    ("cocoon", "cocoon_paper_example/example.json"): (1, 2.5),
    ("cactus", "cactus/evaluation.json"): (450, 0.991),
    ("sage", "sage/sim-dsv3_npc-gpt4o-0808_result.jsonl"): (100, 8.25),
    ("annomi", "annomi/annomi_even.csv"): (67, 37.597),
}


def at_hand(name: str) -> Path:
    file = DATA / name
    if not file.exists():
        pytest.skip(f"needs {name} (not redistributed) in ../shared/data")
    return file


@pytest.mark.parametrize(("name", "file"), REAL)
def test_the_real_files_import_with_their_report(name: str, file: str) -> None:
    told = cocoon("corpus", "stats", name, str(at_hand(file)), "--json").json
    dialogues, turns = REAL[name, file]
    assert (told["dialogues"], round(told["average_turns"], 3)) == (dialogues, turns)


def lines_of(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def rows_of_annomi(file: Path) -> tuple[int, int]:
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    return len({row["transcript_id"] for row in rows}), len(
        {(row["transcript_id"], row["utterance_id"]) for row in rows}
    )


def turns_under(key: str, content: str) -> Callable[[Path], tuple[int, int]]:
    def count(file: Path) -> tuple[int, int]:
        records = lines_of(file) if file.suffix == ".jsonl" else json.loads(file.read_text("utf-8"))
        return len(records), sum(bool(turn[content].strip()) for record in records for turn in record[key])

    return count


INDEPENDENT: dict[str, Callable[[Path], tuple[int, int]]] = {
    "annomi/annomi_even.csv": rows_of_annomi,
    "smile/smilechat_sample1228.jsonl": turns_under("dialog", "content"),
    "multiesc_esconv/valid.jsonl": turns_under("dialog", "text"),
    "ppdpp_esconv/esc-valid.jsonl": turns_under("dialog", "text"),
    "esconv/FailedESConv.json": turns_under("dialog", "content"),
    "sage/sim-dsv3_npc-gpt4o-0808_result.jsonl": turns_under("history", "content"),
}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_a_file_that_says_what_it_is_gives_as_many_turns_as_counted_by_hand(name: str, tmp_path: Path) -> None:
    file, out = at_hand(name), tmp_path / "d.jsonl"
    done = cocoon("corpus", "import", "table", str(file), "-o", str(out), "--json").json
    records = lines_of(out)
    assert (len(records), sum(len(record["turns"]) for record in records)) == INDEPENDENT[name](file)
    assert (done["kept"], done["left_out"], done["claimed"]) == (len(records), {}, 0)


def test_role_cards_give_as_many_profiles_as_counted_by_hand(tmp_path: Path) -> None:
    file, out = at_hand("esc_eval/card_high_en.json"), tmp_path / "p.jsonl"
    told = cocoon("profiles", "import", "esc-eval", str(file), "-o", str(out), "--json").json
    cards = json.loads(file.read_text("utf-8"))
    distinct = {json.dumps(card, sort_keys=True) for card in cards}
    assert (told["read"], len(lines_of(out))) == (len(cards), len(distinct))


@pytest.mark.parametrize(("kind", "file", "number"), [
    ("extes", "extes_fixture/extes_variants.json", 4),
    ("cactus", "cactus/evaluation.json", 450),
    ("sage", "sage/simulator_profile.jsonl", 100),
    ("sage", "sage/sim-dsv3_npc-gpt4o-0808_result.jsonl", 100),
    ("esc-eval", "esc_eval/card_high_en.json", 331),
    ("esc-eval", "esc_eval/test_en.json", 3),
    ("esc-eval", "esc_eval/test_zh.json", 3),
    ("esc-judge", "esc_judge/roles-v1.json", 100),
    ("interactive-agents", "interactive_agents/user_profiles_train.json", 1000),
    ("interactive-agents", "interactive_agents/user_profiles_test.json", 100),
])  # fmt: skip
def test_profiles_of_the_real_files_import(kind: str, file: str, number: int) -> None:
    profiles, report = load_foreign_profiles(kind, at_hand(file))
    assert (len(profiles), report.read) == (number, number)
    assert all(profile.feeling for profile in profiles)
    assert all((profile.need is not None) == (kind == "sage") for profile in profiles)


def test_every_file_at_hand_is_read_by_a_loader() -> None:
    rubrics = {"esc_judge/dimensions.json", "esc_judge/exploration_rubric3.jsonl"}
    profiles = {"esc_eval", "esc_judge", "interactive_agents"}
    files = {str(file.relative_to(DATA)) for file in DATA.rglob("*.json*")} - rubrics
    rest = files - {file for _, file in REAL} - {"sage/simulator_profile.jsonl"}
    assert {name.partition("/")[0] for name in rest} <= profiles
