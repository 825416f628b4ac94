"""`cocoon train`: previews, presets and wrong options, a training that is killed, and one in two processes."""

import json
import math
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cocoon.api.training import train_config
from cocoon.core.verb_settings import Given
from cocoon.models.local.weights import load_weights
from cocoon.tests.commands import cocoon
from cocoon.tests.training.training_cases import logged
from cocoon.tests.warm import launch_cocoon, start, start_cocoon
from cocoon.training.adapters.attach import attach
from cocoon.training.config import TRAIN, training_presets
from cocoon.training.fit.folder import CHECKPOINTS


def test_the_command_previews_trains_merges_and_names_launch_files(base: Path, dialogues: Path, tmp_path: Path) -> None:
    common = ["train", "--base", f"local:{base}", "--dialogues", str(dialogues), "--prompt", "plain"]
    common += ["-o", "data.near_duplicate=null", "-o", "fit.dtype=float32", "-o", "data.validation=0.1"]
    seen = cocoon(*common, "--preview")
    assert "⟦<analysis>" in seen.out and "<|im_end|>⟧" in seen.out and "| read | 40 |" in seen.out
    assert "Thoughts: inline (40 of 40 dialogues have any)" in seen.out
    counted = cocoon(*common, "--preview", "--thoughts", "none", "--json").json
    assert "<analysis>" not in counted["example"]
    done = cocoon(*common, "--max-steps", "1", "--out", str(tmp_path / "a"), "--json")
    assert done.json["steps"] == 1 and math.isfinite(done.json["best_loss"])
    assert "validation" in done.err and "next: cocoon simulate" in done.err
    merged = cocoon("train", "merge", str(tmp_path / "a"), "--out", str(tmp_path / "m"), "--json")
    assert merged.json["dtype"] == "bfloat16"
    assert Path(cocoon("train", "launch", "fsdp").out.strip()).is_file()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "give --out FOLDER"),
        (["--base", "openai:gpt-4o", "--out", "x"], "base must be local:NAME-OR-PATH"),
        (["--base", "local:smollm2+adapter=x", "--out", "x"], "without adapter or direction"),
        (["-o", "fit.epoch=2", "--out", "x"], "did you mean 'epochs'"),
        (["--preset", "paper", "--out", "x"], "paper-cocoon, paper-esconv"),
        (["--out", "x"], "no dialogues: give --dialogues"),
        (["merge", "nowhere", "--out", "y", "--dtype", "int8"], "float32 or bfloat16"),
    ],
)
def test_wrong_commands_are_one_line(
    given: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cocoon("train", *given)
    assert done.code == 2 and words in done.err, done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_preset_stands_for_every_row_of_table_3() -> None:
    found = {name: train_config(Given(TRAIN, preset=name)) for name in training_presets()}
    assert sorted(found) == sorted(
        f"paper-{row}" for row in ("esconv", "escot", "extes", "soulchat", "smile", "cocoon", "without-thoughts")
    )
    for one in found.values():
        assert (one.lora.rank, one.lora.alpha, one.fit.learning_rate, one.fit.epochs) == (32, 16, 2e-4, 3)
    assert found["paper-cocoon"].data.thoughts == "inline"
    assert found["paper-without-thoughts"].data.thoughts == "none"


def test_a_folder_with_nothing_trained_takes_new_settings(base: Path, dialogues: Path, tmp_path: Path) -> None:
    command = ["train", "--base", f"local:{base}", "--prompt", "plain", "--dialogues", str(dialogues), "--out"]
    command += [str(tmp_path / "a"), "-o", "data.near_duplicate=null", "-o", "fit.dtype=float32", "--max-steps", "1"]
    assert "nothing is left on the training side" in cocoon(*command, "-o", "data.max_length=32").err
    assert cocoon(*command).code == 0
    assert "started with different settings" in cocoon(*command, "--seed", "1").err


@pytest.mark.slow
def test_a_process_killed_while_training_goes_on_with_the_same_command(
    base: Path, dialogues: Path, tmp_path: Path
) -> None:
    command = ["train", "--base", f"local:{base}", "--prompt", "plain", "--dialogues", str(dialogues)]
    command += ["--max-steps", "12", "--evaluate-every", "2", "--out", "a", "-o", "data.near_duplicate=null"]
    command += ["-o", "fit.dtype=float32", "-o", "data.validation=0.1", "-o", "fit.accumulate=1"]
    first = start_cocoon(*command, folder=tmp_path, name="first")
    state = tmp_path / "a" / CHECKPOINTS / "checkpoint-4" / "trainer_state.json"
    while first.process.is_alive() and not state.is_file():
        time.sleep(0.02)
    first.send(signal.SIGKILL)
    assert first.end().code == -signal.SIGKILL
    again = start_cocoon(*command, folder=tmp_path, name="again").end()
    assert again.code == 0 and "going on from checkpoint-" in again.err, again.err
    assert sorted(logged(tmp_path / "a", "loss")) == list(range(1, 13))


@pytest.mark.slow
def test_a_terminated_training_saves_its_step_and_ends_as_one_in_peace(
    base: Path, dialogues: Path, tmp_path: Path
) -> None:
    command = ["train", "--base", f"local:{base}", "--prompt", "plain", "--dialogues", str(dialogues)]
    command += ["--max-steps", "40", "--evaluate-every", "20", "-o", "data.near_duplicate=null"]
    command += ["-o", "fit.dtype=float32", "-o", "data.validation=0.1", "-o", "fit.accumulate=1", "--out"]
    process = start_cocoon(*command, "a", folder=tmp_path)
    while process.process.is_alive() and "step " not in process.err.read_text("utf-8"):
        time.sleep(0.01)
    process.send(signal.SIGTERM)
    ended = process.end()
    told = re.search(r"goes on after step (\d+), which is saved", ended.err)
    assert ended.code == 128 + signal.SIGTERM and told is not None, ended.err
    again = start_cocoon(*command, "a", folder=tmp_path, name="again").end()
    assert again.code == 0 and f"going on from checkpoint-{told[1]}\n" in again.err, again.err
    assert start_cocoon(*command, "peace", folder=tmp_path, name="peace").end().code == 0
    weights = [(tmp_path / name / "adapter_model.safetensors").read_bytes() for name in ("a", "peace")]
    assert weights[0] == weights[1]
    for name in ("loss", "eval_loss"):
        assert logged(tmp_path / "a", name) == logged(tmp_path / "peace", name)


@pytest.mark.slow
def test_two_processes_train_one_adapter_and_speak_once(base: Path, dialogues: Path, tmp_path: Path) -> None:
    command = ["train", "--base", f"local:{base}", "--prompt", "plain", "--dialogues", str(dialogues)]
    command += ["--max-steps", "4", "--evaluate-every", "2", "--out", "a", "--json", "-o", "data.near_duplicate=null"]
    command += ["-o", "fit.dtype=float32", "-o", "fit.accumulate=1"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "cocoon.cli.main"]
    first = subprocess.run([*launcher, *command], cwd=tmp_path, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert (told["processes"], told["steps"]) == (2, 4)
    assert first.stderr.count("validation loss") == 1
    again = start(launch_cocoon, 2, command, folder=tmp_path).end()
    assert again.code == 0, again.err
    assert json.loads(again.out) == told and again.err.count("was trained to the end before") == 1
    attach(load_weights(str(base), "cpu", "float32"), tmp_path / "a")
