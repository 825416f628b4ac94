"""Training of a tiny Llama: losses, best checkpoint, early stopping, resume, full disks, cards, merging."""

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.models.local.weights import load_weights
from cocoon.reports.charts.losses import write_losses
from cocoon.tests.models.local.tiny_models import tiny_gguf
from cocoon.tests.training.training_cases import logged, talk, write_talks
from cocoon.training.adapters.attach import attach
from cocoon.training.adapters.card import adapter_folder, read_card
from cocoon.training.adapters.merge import merge
from cocoon.training.adapters.pack import pack
from cocoon.training.config import TrainConfig
from cocoon.training.fit.folder import CHECKPOINTS, last_checkpoint
from cocoon.training.fit.isolation import isolates
from cocoon.training.fit.sft import prepare, train
from cocoon.training.fit.trainer import TrainingStep

WEIGHTS = "adapter_model.safetensors"
ADAPTER_FILES = (WEIGHTS, "adapter_config.json")


def config(base: Path, dialogues: Path, **fit: Any) -> TrainConfig:
    given = {"dtype": "float32", "accumulate": 2, "learning_rate": 0.01, "checkpointing": False, **fit}
    return TrainConfig.model_validate(
        {
            "base": f"local:{base}",
            "dialogues": [str(dialogues)],
            "data": {"prompt": "plain", "max_length": 700, "validation": 0.2, "near_duplicate": None},
            "lora": {"rank": 8, "alpha": 8},
            "fit": given,
        }
    )


@pytest.fixture(scope="module")
def trained(base: Path, dialogues: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three whole epochs."""
    out = tmp_path_factory.mktemp("trained") / "adapter"
    train(config(base, dialogues), out)
    write_losses(out)
    return out


def test_three_epochs_lower_the_validation_loss_and_the_best_checkpoint_is_kept(trained: Path) -> None:
    card = read_card(trained)
    assert card is not None and card.validation is not None
    losses = logged(trained, "eval_loss")
    assert len(losses) == 4 and 0 in losses
    assert card.best_loss == min(loss for step, loss in losses.items() if step)
    assert card.best_loss is not None
    assert card.loss_before == losses[0] > card.best_loss
    best = load_file(trained / CHECKPOINTS / f"checkpoint-{card.best_step}" / WEIGHTS)
    assert all(torch.equal(tensor, best[name]) for name, tensor in load_file(trained / WEIGHTS).items())
    assert card.packing and card.attention == "sdpa"
    assert (card.train.profiles, card.validation.profiles) == (32, 8)
    assert (trained / "losses.svg").read_text("utf-8").startswith("<svg")
    assert "no counsellor" in (trained / "README.md").read_text("utf-8")


def test_a_run_that_was_trained_to_the_end_is_not_trained_again(base: Path, dialogues: Path, trained: Path) -> None:
    before = (trained / WEIGHTS).stat().st_mtime_ns
    told: list[str] = []
    card = train(config(base, dialogues), trained, say=told.append)
    assert told == [f"{trained}: was trained to the end before"]
    assert card == read_card(trained) and (trained / WEIGHTS).stat().st_mtime_ns == before
    with pytest.raises(CocoonError, match=r"started with different settings \(fit; see config.yaml\)"):
        train(config(base, dialogues, epochs=1), trained)


class KilledError(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def killed_at(number: int) -> Callable[[TrainingStep], None]:
    def kill(step: TrainingStep) -> None:
        if step.step == number and step.loss is not None:
            raise KilledError

    return kill


def test_a_rising_loss_stops_early_takes_the_best_and_a_kill_changes_neither(base: Path, tmp_path: Path) -> None:
    few = write_talks(tmp_path / "few.jsonl", [talk(n, 3, language="zh" if n % 2 else "en") for n in range(6)])
    fit = {"learning_rate": 0.4, "scheduler": "constant", "evaluate_every": 1, "patience": 2, "accumulate": 1}
    given = config(base, few, **fit, epochs=50)
    told: list[str] = []
    card = train(given, tmp_path / "a", say=told.append)
    assert told == ["no dialogue has a thought, so none is trained (data.thoughts: inline)"]
    losses = logged(tmp_path / "a", "eval_loss")
    stopped = max(losses)
    assert stopped < 100 and card.steps == stopped
    best = min((step for step in losses if step), key=lambda step: losses[step])
    assert card.best_step == best == stopped - 2
    # One validation in a row had brought nothing when this one is killed.
    with pytest.raises(KilledError):
        train(given, tmp_path / "b", killed_at(stopped))
    again = train(given, tmp_path / "b")
    assert (again.steps, again.weights_sha256) == (card.steps, card.weights_sha256)
    # Killed after the last checkpoint, before the adapter stood in its place: nothing more is trained.
    for name in ("card.json", WEIGHTS):
        (tmp_path / "b" / name).unlink()
    late = train(given, (tmp_path / "b").rename(tmp_path / "moved"))
    assert late == card


def test_killed_at_10_and_resumed_the_losses_are_those_of_a_straight_run(
    base: Path, dialogues: Path, tmp_path: Path
) -> None:
    given = config(base, dialogues, steps=12, evaluate_every=4, epochs=100)
    train(given, tmp_path / "straight")

    with pytest.raises(KilledError):
        train(given, tmp_path / "killed", killed_at(10))
    last = last_checkpoint(tmp_path / "killed")
    assert last is not None and last.name == "checkpoint-8"
    seen: list[int] = []
    train(given, tmp_path / "killed", lambda step: seen.append(step.step))
    assert min(seen) == 9
    for key in ("loss", "eval_loss"):
        assert logged(tmp_path / "killed", key) == logged(tmp_path / "straight", key)
    assert (tmp_path / "killed" / WEIGHTS).read_bytes() == (tmp_path / "straight" / WEIGHTS).read_bytes()


def test_a_loss_that_is_not_a_number_stops_and_the_checkpoint_before_it_is_named(
    base: Path, dialogues: Path, tmp_path: Path
) -> None:
    # The first step of the warm-up is one of rate 0; what follows leaves nothing finite.
    given = config(base, dialogues, steps=20, evaluate_every=1, learning_rate=1e30, warmup=0.5)
    with pytest.raises(CocoonError, match=r"loss of step 2 is not a number; .*checkpoint-1 is whole; lower") as caught:
        train(given, tmp_path / "a")
    assert "\n" not in str(caught.value)


def test_data_that_changed_between_two_sessions_is_refused(base: Path, tmp_path: Path) -> None:
    file = write_talks(tmp_path / "d.jsonl", [talk(number, 5) for number in range(8)])
    given = config(base, file, steps=4, evaluate_every=2)
    with pytest.raises(KilledError):
        train(given, tmp_path / "a", killed_at(3))
    before = file.read_bytes()
    write_talks(file, [talk(number, 5) for number in range(9)])
    with pytest.raises(CocoonError, match=r"d\.jsonl changed since this training began; put the former back"):
        train(given, tmp_path / "a")
    file.write_bytes(before)
    assert train(given, tmp_path / "a").steps == 4
    write_talks(file, [talk(number, 5) for number in range(9)])
    with pytest.raises(CocoonError, match="changed since"):
        train(given, tmp_path / "a")


def test_a_torn_checkpoint_is_passed_over(base: Path, dialogues: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "a"
    shutil.copytree(trained / CHECKPOINTS, out / CHECKPOINTS)
    whole = sorted((out / CHECKPOINTS).iterdir(), key=lambda path: int(path.name.partition("-")[2]))
    assert last_checkpoint(out) == whole[-1]
    weights = whole[-1] / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:100])
    assert last_checkpoint(out) == whole[0]
    assert not whole[-1].exists()
    (whole[0] / "trainer_state.json").unlink()
    assert last_checkpoint(out) is None


def mounted(path: Path, size: str) -> None:
    path.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here ({done.stderr.strip()})")


def test_a_full_disk_keeps_the_last_good_checkpoint(base: Path, dialogues: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    mounted(small, "4m")
    try:
        given = config(base, dialogues, steps=8, evaluate_every=4, epochs=100)
        filler = small / "filler"

        def fill(step: TrainingStep) -> None:
            if step.step == 5 and not filler.exists():
                with filler.open("wb") as file, pytest.raises(OSError, match="No space left"):
                    while True:
                        os.write(file.fileno(), bytes(4096))

        with pytest.raises(
            NotSavedError, match=r"step 8 cannot be saved \(0\.0 MB were free; .*checkpoint-4 is whole; make room"
        ) as caught:
            train(given, small / "a", fill)
        assert "\n" not in str(caught.value)
        last = last_checkpoint(small / "a")
        assert last is not None and last.name == "checkpoint-4"
        filler.unlink()
        assert train(given, small / "a").steps == 8
    finally:
        subprocess.run(["umount", str(small)], check=False)


def test_packed_dialogues_do_not_see_each_other(base: Path, dialogues: Path) -> None:
    network = load_weights(str(base), "cpu", "float32").network
    for attention in ("sdpa", "eager"):
        network.set_attn_implementation(attention)
        assert isolates(network), attention
    network.to(torch.bfloat16)
    assert isolates(network)

    class Careless(torch.nn.Module):
        """A network that joins whatever stands in one row."""

        config, device = network.config, network.device

        def forward(self, input_ids: Any, position_ids: Any, use_cache: bool) -> Any:
            places = torch.arange(input_ids.shape[1])[None]
            return network(input_ids=input_ids, position_ids=places, use_cache=use_cache)

    assert not isolates(Careless())


def test_without_isolation_nothing_is_packed_and_it_is_said(
    base: Path, dialogues: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.training.fit.sft.isolates", lambda _: False)
    told: list[str] = []
    card = train(config(base, dialogues, steps=1), tmp_path / "a", say=told.append)
    assert not card.packing and "would see each other" in told[0]
    assert told[0] == card.packing_note


def test_validation_loss_does_not_depend_on_packing_or_checkpointing(
    base: Path, dialogues: Path, trained: Path, tmp_path: Path
) -> None:
    card = train(config(base, dialogues, steps=1, packing="none", checkpointing=True), tmp_path / "a")
    assert card.loss_before == pytest.approx(logged(trained, "eval_loss")[0], abs=1e-5)


def test_an_adapter_speaks_on_its_base_beside_others_and_is_refused_elsewhere(
    trained: Path, base: Path, tmp_path: Path
) -> None:
    weights = load_weights(str(base), "cpu", "float32")
    ids = torch.tensor([[5, 9, 30, 41]])
    plain = weights.network(ids).logits
    one = attach(weights, trained)
    other = shutil.copytree(trained, tmp_path / "other", ignore=shutil.ignore_patterns(CHECKPOINTS))
    two = attach(weights, other)
    assert one.facts()["thoughts"] == "inline"
    with one.applied(weights.network):
        first = weights.network(ids).logits
    with two.applied(weights.network):
        assert torch.equal(weights.network(ids).logits, first)
    assert torch.equal(weights.network(ids).logits, plain)
    assert not torch.allclose(first, plain, atol=1e-3)

    changed = load_weights(str(base), "cpu", "float32")
    with torch.no_grad():
        changed.network.model.norm.weight += 1
    with pytest.raises(CocoonError, match=r"was trained over .* open it on the base it was trained over"):
        attach(changed, trained)
    save_file({name: tensor + 1 for name, tensor in load_file(trained / WEIGHTS).items()}, other / WEIGHTS)
    with pytest.raises(CocoonError, match="take both from one training"):
        attach(load_weights(str(base), "cpu", "float32"), other)
    (other / "card.json").write_text("{}", "utf-8")
    with pytest.raises(CocoonError, match=r"card\.json: key .* is missing"):
        attach(weights, other)


def test_merged_weights_answer_as_the_adapter_beside_its_base(trained: Path, base: Path, tmp_path: Path) -> None:
    made = merge(trained, tmp_path / "merged")
    assert made.change < 1e-4 and made.note == ""
    weights, whole = load_weights(str(base), "cpu", "float32"), load_weights(str(tmp_path / "merged"), "cpu", "float32")
    ids = torch.tensor([[5, 9, 30, 41]])
    with attach(weights, trained).applied(weights.network):
        beside = weights.network(ids).logits
    assert torch.allclose(whole.network(ids).logits, beside, atol=1e-4)
    assert merge(trained, tmp_path / "half", dtype="bfloat16").dtype == "bfloat16"
    assert {tensor.dtype for tensor in load_file(tmp_path / "half" / "model.safetensors").values()} == {torch.bfloat16}
    with pytest.raises(CocoonError, match="already exists"):
        merge(trained, tmp_path / "merged")


def test_a_packed_adapter_is_half_as_large_and_opens_by_its_own_card(
    trained: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pack(trained, tmp_path / "copy")
    assert 2 * made.bytes == pytest.approx((trained / WEIGHTS).stat().st_size, rel=0.1)
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {*ADAPTER_FILES, "card.json", "README.md"}
    card = read_card(tmp_path / "copy")
    assert card is not None and (card.stored, card.dtype) == ("bfloat16", "float32")
    weights = load_weights(str(base), "cpu", "float32")
    attached = [attach(weights, folder) for folder in (trained, tmp_path / "copy")]
    logits = []
    for adapter in attached:
        with adapter.applied(weights.network):
            logits.append(weights.network(torch.tensor([[5, 9, 30, 41]])).logits)
    assert torch.allclose(*logits, atol=0.05) and not torch.equal(*logits)
    with pytest.raises(CocoonError, match="already exists"):
        pack(trained, tmp_path / "copy")
    with pytest.raises(CocoonError, match=r"base0?: has no card; give the folder that `cocoon train` wrote"):
        pack(base, tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copy").rename(tmp_path / "shipped")
    assert adapter_folder(Path("shipped")) == Path("shipped")


def test_merging_onto_a_full_disk_leaves_nothing_and_can_be_done_again(trained: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    mounted(small, "100k")
    try:
        with pytest.raises(CocoonError, match=r"cannot be written .*; make room and run again") as caught:
            merge(trained, small / "m")
        assert "\n" not in str(caught.value)
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", str(small)], check=False)
    # What a killed merging left is in nobody's way.
    (tmp_path / ".m.part").mkdir()
    merge(trained, tmp_path / "m")
    assert not (tmp_path / ".m.part").exists()


def test_a_quantised_gguf_is_refused_and_the_embedded_one_trained_unpacked(
    trained: Path, dialogues: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COCOON_CACHE", str(tmp_path / "cache"))
    packed = tiny_gguf(tmp_path / "tiny.gguf")
    with pytest.raises(CocoonError, match=r"quantised weights \(GGUF, Q8_0\) and cannot be trained over; take the fl"):
        train(config(packed, dialogues), tmp_path / "a")
    with pytest.raises(CocoonError, match="cannot be merged into"):
        merge(trained, tmp_path / "merged", str(packed))
    assert not (tmp_path / "a" / CHECKPOINTS).exists() and not (tmp_path / "cache").exists()
    monkeypatch.setattr("cocoon.models.local.weights.embedded_file", lambda: packed)
    given = config(packed, dialogues, steps=2, evaluate_every=1)
    given.base = "local:smollm2"
    given.data.max_length = 512
    card = train(given, tmp_path / "b")
    told = (tmp_path / "b" / "README.md").read_text("utf-8")
    assert "unpacked from the GGUF file" in told and "`local:smollm2+adapter=" in told
    settings = json.loads((tmp_path / "b" / "adapter_config.json").read_text("utf-8"))
    assert (settings["revision"], settings["base_model_name_or_path"]) == (None, card.base)
    made = merge(tmp_path / "b", tmp_path / "merged")
    assert "unpacked to float32" in made.note
    held = load_file(tmp_path / "merged" / "model.safetensors")
    assert {tensor.dtype for tensor in held.values()} == {torch.float32}


def test_a_quantised_base_is_neither_trained_over_nor_merged_into(
    base: Path, dialogues: Path, trained: Path, tmp_path: Path
) -> None:
    packed = shutil.copytree(base, tmp_path / "gptq")
    settings = json.loads((packed / "config.json").read_text("utf-8"))
    settings["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    (packed / "config.json").write_text(json.dumps(settings), "utf-8")
    with pytest.raises(CocoonError, match=r"quantised weights \(gptq\) and cannot be trained over"):
        train(config(packed, dialogues), tmp_path / "a")
    with pytest.raises(CocoonError, match="cannot be merged into"):
        merge(trained, tmp_path / "m", str(packed))


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is here")
def test_four_bits_without_bitsandbytes_are_one_line(base: Path, dialogues: Path) -> None:
    given = config(base, dialogues)
    given.lora.quantise = "4bit"
    with pytest.raises(CocoonError, match="needs bitsandbytes; install with"):
        prepare(given)


def test_a_side_with_nothing_left_is_one_line(base: Path, dialogues: Path) -> None:
    given = config(base, dialogues)
    given.data.max_length = 64
    with pytest.raises(CocoonError, match=r"nothing is left on the training side \(32 too_long\)"):
        prepare(given)
