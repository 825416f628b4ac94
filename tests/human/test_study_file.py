"""study.yaml: every key is explained, and a run can be named in every way."""

from pathlib import Path

import pytest

from cocoon.api.demo.recorded import recorded_run
from cocoon.api.templates import new_file
from cocoon.core.config import UserConfig
from cocoon.core.errors import CocoonError
from cocoon.human.items import Material
from cocoon.human.study import ChatsPart, HumanStudy, LikertPart, PairsPart, load_study
from cocoon.tests.pages import ROOT

HEAD = "\n".join(f"{key}: {{en: x, zh: x}}" for key in ("title", "consent", "content_warning", "help_line"))


def study(folder: Path, part: str) -> HumanStudy:
    file = folder / "study.yaml"
    file.write_text(f"{HEAD}\n{part}\n", "utf-8")
    return load_study(file)


@pytest.mark.parametrize("part", [HumanStudy, LikertPart, PairsPart, ChatsPart, UserConfig])
def test_the_reference_explains_every_key(part: type[HumanStudy]) -> None:
    page = (ROOT / "docs/reference/study-yaml.md").read_text("utf-8")
    assert [name for name in part.model_fields if f"`{name}`" not in page] == []


def test_dialogues_are_named_by_their_run_or_by_their_file(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run").path
    items = [
        Material.of(study(tmp_path, f"likert: {{dialogues: {name}, scales: [comfort]}}")).items
        for name in (run, run / "dialogues.jsonl")
    ]
    assert len(items[0]) == 8 and items[0] == items[1]


def test_a_folder_without_a_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match="has no run"):
        Material.of(study(tmp_path, f"likert: {{dialogues: {tmp_path}, scales: [comfort]}}"))


def test_pairs_of_a_folder_without_conditions_are_refused_with_what_to_name(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run").path
    with pytest.raises(CocoonError, match="Name a folder of `cocoon ablate`"):
        Material.of(study(tmp_path, f"pairs: {{run: {run}}}"))


def test_the_template_shows_every_part_and_is_a_study(tmp_path: Path) -> None:
    started = new_file("human", "Mine", tmp_path)
    assert load_study(started.path).chats is not None
    text = started.path.read_text("utf-8")
    assert all(f"{part}:" in text for part in ("likert", "pairs", "chats"))
