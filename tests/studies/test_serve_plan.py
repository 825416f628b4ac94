"""The line that starts vLLM for a study, and studies that speak through served rows."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

import cocoon
from cocoon.core.config import StudyConfig, SupporterConfig
from cocoon.core.errors import CocoonError
from cocoon.studies.reproduce.config import CorpusRow, ReproduceConfig, study_of
from cocoon.studies.serve_plan import length_of
from cocoon.studies.sweep.config import SweepConfig
from cocoon.studies.sweep.prepare import expected_plan
from cocoon.tests import commands
from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.steering.steered import saved_direction, tiny_family


def saved_adapter_settings(folder: Path, rank: int) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank}), "utf-8")
    return folder


def written(folder: Path, settings: dict[str, Any]) -> Path:
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(settings), "utf-8")
    return file


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny_folder(tmp_path / "base", context=4096)


def value(command: list[str], flag: str) -> str:
    return command[command.index(flag) + 1]


def test_a_base_its_adapters_and_directions_are_one_server(tmp_path: Path, base: Path) -> None:
    first, second = (saved_adapter_settings(tmp_path / name, rank) for name, rank in (("a", 4), ("b", 12)))
    direction = saved_direction(tmp_path / "d.safetensors", tiny_family("Llama"))
    steered = f"local:{base}+adapter={second}+steer={direction}:0.03+at=every"
    supporters = [
        {"name": "w/o thoughts", "model": f"local:{base}+adapter={first}"},
        {"name": "b", "model": f"local:{base}+adapter={second}"},
        {"name": "asks", "model": steered},
        {"name": "untouched", "model": f"local:{base}"},
    ]
    study = written(
        tmp_path, {"supporters": supporters, "user": {"model": "http://127.0.0.1:9/v1#u", "appraiser": "rule"}}
    )
    plan = cocoon.serve_plan(study, port=8100, options=["rounds=2"])
    command = plan.command
    assert command[:3] == ["vllm", "serve", str(base)]
    assert (value(command, "--host"), value(command, "--port")) == ("127.0.0.1", "8100")
    assert command[command.index("--lora-modules") + 1 :][:2] == [f"w-o-thoughts={first}", f"b={second}"]
    assert (value(command, "--max-lora-rank"), value(command, "--max-loras")) == ("16", "2")
    assert {"--enable-lora", "--enable-prefix-caching", "--enforce-eager"} <= set(command)
    assert plan.environment["COCOON_DIRECTIONS"] == str(direction)
    assert plan.environment["VLLM_NO_USAGE_STATS"] == "1"
    address = "http://127.0.0.1:8100/v1"
    assert list(plan.specs.values()) == [
        f"{address}#w-o-thoughts",
        f"{address}#b",
        f"{address}#b+steer={direction}:0.03+at=every",
        f"{address}#base",
    ]
    printed = commands.cocoon("serve-plan", str(study), "--port", "8100", "-o", "rounds=2").out.splitlines()
    assert shlex.split(printed[-1])[-len(command) :] == command and all(line.startswith("# ") for line in printed[:-1])


def test_the_length_is_that_of_the_longest_talk_and_no_longer_than_the_model_reads(tmp_path: Path, base: Path) -> None:
    short, long = (StudyConfig(rounds=rounds, supporters=[SupporterConfig(max_tokens=100)]) for rounds in (2, 10))
    assert length_of(long) - length_of(short) == pytest.approx(8 * (100 + 160), abs=256)
    study = written(tmp_path, {"supporters": [{"model": f"local:{base}"}], "user": {"model": f"local:{base}"}})
    lengths = [
        value(cocoon.serve_plan(study, options=[f"rounds={rounds}"], length=most).command, "--max-model-len")
        for rounds, most in ((2, None), (100, None), (2, 500))
    ]
    assert lengths == [str(length_of(StudyConfig(rounds=2))), "4096", "500"]
    assert "--enforce-eager" not in cocoon.serve_plan(study).command


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        (["openai:m"], "have none; name local:BASE"),
        (["local:{base}", "local:other/one"], "local:other/one"),
        (["local:{base}+adapter={base}"], "holds no adapter"),
        (["local:{base}+adapter={large}"], "rank 1024"),
    ],
)
def test_what_is_not_one_server_is_refused(tmp_path: Path, base: Path, models: list[str], problem: str) -> None:
    large = saved_adapter_settings(tmp_path / "large", 1024)
    named = [{"name": str(number), "model": spec.format(base=base, large=large)} for number, spec in enumerate(models)]
    study = written(tmp_path, {"supporters": named, "user": {"model": "openai:m"}})
    with pytest.raises(CocoonError, match=problem):
        cocoon.serve_plan(study)


def test_replicas_are_servers_alike_behind_one_spec(tmp_path: Path, base: Path) -> None:
    study = written(tmp_path, {"supporters": [{"model": f"local:{base}"}], "user": {"model": "openai:m"}})
    plan = cocoon.serve_plan(study, port=8100, replicas=2)
    assert plan.specs[f"local:{base}"] == "http://127.0.0.1:8100/v1,http://127.0.0.1:8101/v1#base"
    first, second = (shlex.split(line) for line in plan.lines)
    assert [value(line, "--port") for line in (first, second)] == ["8100", "8101"]
    assert "CUDA_VISIBLE_DEVICES=0" in first and "CUDA_VISIBLE_DEVICES=1" in second
    same = [part for part in first if part not in ("CUDA_VISIBLE_DEVICES=0", "8100")]
    assert same == [part for part in second if part not in ("CUDA_VISIBLE_DEVICES=1", "8101")]
    printed = commands.cocoon("serve-plan", str(study), "--port", "8100", "--replicas", "2").out.splitlines()
    assert printed[-2:] == plan.lines
    assert not any("CUDA" in line for line in cocoon.serve_plan(study).lines)
    with pytest.raises(CocoonError, match="no port above 65535"):
        cocoon.serve_plan(study, port=65535, replicas=2)


def reproduction(tmp_path: Path, base: Path) -> dict[str, Any]:
    rows = [
        {"label": "ESC", "file": "e", "language": "en", "adapter": str(saved_adapter_settings(tmp_path / "e", 8))},
        {"label": "SMILE", "file": "s", "language": "zh", "adapter": str(saved_adapter_settings(tmp_path / "s", 8))},
    ]
    return {"base": f"local:{base}", "rows": rows, "profiles": ["shipped"], "judge": {"model": "openai:m"}}


def test_the_rows_of_a_reproduction_are_served_under_their_names(tmp_path: Path, base: Path) -> None:
    study = written(tmp_path, {**reproduction(tmp_path, base), "user": {"model": "openai:m"}})
    with pytest.raises(CocoonError, match="--out"):
        cocoon.serve_plan(study)
    plan = cocoon.serve_plan(study, out=tmp_path / "out")
    names = [served.rpartition("#")[2] for served in plan.specs.values()]
    assert sorted(names) == ["ESC", "SMILE", "untrained"]
    assert value(plan.command, "--served-model-name") == "untrained"


def test_a_reproduction_speaks_through_served_rows_without_its_adapters(tmp_path: Path) -> None:
    rows = [CorpusRow(label="w/o thoughts", file="e", language="en"), CorpusRow(label="zh", file="s", language="zh")]
    config = ReproduceConfig(rows=rows, served="http://127.0.0.1:8000/v1")
    study = study_of(config, "en", {}, tmp_path / "profiles.jsonl")
    assert {one.name: one.model for one in study.supporters} == {
        "w-o-thoughts": "http://127.0.0.1:8000/v1#w-o-thoughts",
        "untrained": "http://127.0.0.1:8000/v1#untrained",
    }
    assert "served" in config.free_keys, "whoever trained here may have it served later"


def swept(tmp_path: Path, **settings: Any) -> SweepConfig:
    direction = saved_direction(tmp_path / "d.safetensors", tiny_family("Llama"))
    return SweepConfig(direction=[f"reply={direction}"], coefficient=[0.02], random=1, **settings)


def test_the_arms_of_a_sweep_speak_at_the_served_row(tmp_path: Path) -> None:
    config = swept(tmp_path, served="http://127.0.0.1:8000/v1#base")
    config.refuse_unserved()
    plan = expected_plan(config, ["guarded"], tmp_path / "out")
    assert plan.base == "local:smollm2", "the doses are measured here"
    assert {arm.model.partition("+")[0] for arm in plan.arms} == {"http://127.0.0.1:8000/v1#base"}
    assert "history" not in {arm.kind for arm in plan.arms}


@pytest.mark.parametrize(
    "settings",
    [
        {"served": "local:smollm2"},
        {"served": "http://127.0.0.1:8000/v1"},
        {"served": "http://127.0.0.1:8000/v1#base", "tokens": "replies"},
    ],
)
def test_a_sweep_that_cannot_be_served_is_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(CocoonError, match=r"--served|--tokens replies"):
        swept(tmp_path, **settings).refuse_unserved()
