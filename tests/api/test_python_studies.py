"""Studies and trainings from Python: one small run of each, its result, and the same call again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import cocoon
from cocoon.core.errors import CocoonError
from cocoon.tests.commands import endpoint
from cocoon.tests.conversations import shipped_profiles
from cocoon.tests.evaluation.comparison.comparison_cases import run_of, write_run
from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.training.training_cases import talk, write_talks

PEOPLE = [profile for profile in shipped_profiles() if profile.language == "en"][:2]


def listens(conversation: object) -> str:
    """Answer for a supporter of one's own."""
    return "I am listening."


def ablation(spec: str, out: Path) -> dict[str, Any]:
    return {
        **{"profiles": PEOPLE, "supporter": listens, "user": spec, "user_kind": "prompted", "judge": spec},
        **{"conditions": ["full", "no-memory"], "rounds": 1, "out": out, "progress": False},
    }


def test_an_ablation_compares_what_its_users_know(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with endpoint() as spec:
        result = cocoon.ablate(**ablation(spec, out))
        before = (out / "comparisons.jsonl").read_bytes()
        again = cocoon.ablate(**ablation(spec, out))
    assert (result.exit_code, result.stopped_by, result.path) == (0, None, out)
    assert result.report is not None and again.report == result.report
    assert dict(result.report.facts)["Conditions"] == "full, no-memory"
    assert (out / "comparisons.jsonl").read_bytes() == before
    assert {"ablation.md", "ablation.html", "tables"} <= {file.name for file in out.iterdir()}
    assert list((out / "tables").glob("ablation_wins.*"))


async def test_an_ablation_stops_at_its_budget_and_can_compare_alone(tmp_path: Path) -> None:
    with endpoint() as spec:
        settings = ablation(spec, tmp_path / "run")
        stopped = await cocoon.ablate_async(**settings, budget_calls=1)
        assert stopped.exit_code == 3 and stopped.stopped_by is not None
        assert (await cocoon.ablate_async(**settings)).exit_code == 0
        (tmp_path / "run" / "comparisons.jsonl").unlink()
        with pytest.raises(CocoonError, match="simulates nothing"):
            await cocoon.ablate_async(**settings, compare_only=True)
        comparing = {name: settings[name] for name in ("judge", "conditions", "out", "progress")}
        compared = await cocoon.ablate_async(**comparing, compare_only=True)
    assert compared.exit_code == 0 and compared.report is not None


def test_copies_of_a_vote_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match="copies of one"):
        cocoon.ablate(profiles="shipped:en", judge="scripted:x", votes=2, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_fidelity_is_counted_on_a_run(tmp_path: Path) -> None:
    with endpoint() as spec:
        run = cocoon.simulate(
            profiles=PEOPLE,
            supporter=listens,
            user=spec,
            appraiser="rule",
            rounds=1,
            out=tmp_path / "a",
            progress=False,
        )
    report = cocoon.fidelity(run, out=tmp_path / "fidelity")
    assert "cooperation" in {table.id for table in report.tables}
    assert (tmp_path / "fidelity" / "fidelity.md").is_file()
    with pytest.raises(CocoonError, match="is given twice"):
        cocoon.fidelity(run, tmp_path / "a")


def test_power_tells_how_many_profiles_a_comparison_needs(tmp_path: Path) -> None:
    assert cocoon.power(difference=0.5, spread=1.0)[0]["profiles"] == 34
    assert [row["discordant"] for row in cocoon.power(rates=(0.6, 0.7), discordant=0.3)] == [0.3]
    dialogues, ratings = [], []
    for name, values in {"listen": [3, 4, 5, 6], "plain": [2, 4, 3, 6]}.items():
        talked, rated = run_of(name, {f"p{number}": [value] for number, value in enumerate(values)})
        dialogues, ratings = [*dialogues, *talked], [*ratings, *rated]
    rows = cocoon.power(run=write_run(tmp_path / "run", dialogues, ratings), difference=0.5)
    assert {row["measure"] for row in rows} >= {"Aff"}
    with pytest.raises(CocoonError, match="give --difference and --spread"):
        cocoon.power(difference=0.5)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local:{tiny_folder(tmp_path_factory.mktemp('base'), context=4096)}"


def test_a_training_gives_an_adapter_and_is_not_done_twice(
    base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dialogues = write_talks(tmp_path / "d.jsonl", [talk(number, 5) for number in range(12)])
    options = {"data.near_duplicate": None, "data.validation": 0.2, "fit.dtype": "float32", "lora.rank": 4}
    settings: dict[str, Any] = {"base": base, "dialogues": dialogues, "prompt": "plain", "options": options}
    preview = cocoon.preview_training(**settings)
    assert "⟦" in preview.example and preview.report.title == "Training data"
    trained = cocoon.train(out=tmp_path / "a", max_steps=1, **settings)
    told = capsys.readouterr().err
    assert "validation loss" in told and f"next: cocoon simulate --supporter '{trained.spec}'" in told
    assert trained.card.steps == 1 and (tmp_path / "a" / "losses.svg").is_file()
    assert trained.spec == f"{base}+adapter={tmp_path / 'a'}"
    again = cocoon.train(out=tmp_path / "a", max_steps=1, progress=False, **settings)
    assert again == trained and not capsys.readouterr().err
    with pytest.raises(CocoonError, match="Did you mean 'epochs'"):
        cocoon.train(out=tmp_path / "b", epoch=1)


def reproduction(base: str, folder: Path, spec: str) -> dict[str, Any]:
    """Settings of a rehearsal with one row, whose dialogues are trained on for one step."""
    folder.mkdir(exist_ok=True)
    dialogues = write_talks(folder / "talks.jsonl", [talk(number, 5) for number in range(10)])
    study = {
        "rehearsal": True,
        "base": base,
        "limit": 1,
        "profiles": ["shipped:en"],
        "rows": [{"label": "COCOON", "file": str(dialogues), "language": "en", "own": True}],
        **{"rounds": 1, "form_pairs": 0, "max_tokens": 12, "user": {"model": spec, "appraiser": "rule"}},
        **{"data": {"validation": 0.2}, "lora": {"rank": 4}},
        "fit": {"steps": 1, "accumulate": 1, "evaluate_every": 1, "dtype": "float32"},
    }
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(study), "utf-8")
    return {"config": file, "out": folder / "out", "judge": spec, "progress": False}


def test_a_table_is_made_again_stage_by_stage(base: str, tmp_path: Path) -> None:
    with endpoint() as spec:
        settings = reproduction(base, tmp_path / "study", spec)
        imported = cocoon.reproduce("table9", stages=["import"], **settings)
        assert (imported.report, imported.exit_code) == (None, 0)
        result = cocoon.reproduce("table9", **settings)
    assert result.exit_code == 0 and result.report is not None
    assert result.report.title == "Table 9 of the paper, made again (rehearsal)"
    assert (result.path / "table9.md").is_file() and list((result.path / "tables").glob("table9_*.tex"))
    with pytest.raises(CocoonError, match="stage 'rest' is not known"):
        cocoon.reproduce("table9", stages="import, rest", **settings)


async def test_a_reproduction_has_an_asynchronous_twin(base: str, tmp_path: Path) -> None:
    settings = reproduction(base, tmp_path / "study", "http://127.0.0.1:9/v1#nobody")
    result = await cocoon.reproduce_async("table3", stages="import", **settings)
    assert result.exit_code == 0 and (result.path / "corpora" / "COCOON.jsonl").is_file()


def test_the_front_door_leads_to_every_study_and_loads_nothing_before() -> None:
    code = (
        "import json, sys, cocoon\n"
        "loaded = [name for name in ('torch', 'langchain_core', 'cocoon.api.steering') if name in sys.modules]\n"
        "names = ['ablate', 'fidelity', 'panel', 'power', 'preview_training', 'reproduce', 'steer', 'train']\n"
        "found = {name: getattr(cocoon, name).__name__ for name in names}\n"
        "print(json.dumps([loaded, sorted(set(names) - set(dir(cocoon))), found]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, hidden, found = json.loads(done.stdout)
    assert (loaded, hidden) == ([], [])
    assert found.pop("steer") == "cocoon.api.steering"
    assert all(name == function for name, function in found.items())
