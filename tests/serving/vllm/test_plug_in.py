"""The plug-in for vLLM without vLLM: what requests ask for, which tokens are steered, what is refused."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cocoon.core.errors import CocoonError
from cocoon.models.local.control import RowColumns
from cocoon.serving.vllm.passes import RowPart, SteeredPasses
from cocoon.serving.vllm.patches import refuse_engine_settings, steer_runner
from cocoon.serving.vllm.plugin import register
from cocoon.serving.vllm.requests import ServedDirections
from cocoon.steering.control.control import Control
from cocoon.steering.control.starts import SentenceMarks
from cocoon.steering.directions.direction import At, Direction
from cocoon.tests.steering.steered import direction_for, tiny_family

END, BETWEEN = 30, 70
PROMPT = [5, 9, END, 41, 7, 8, 60]
REPLY = [12, END, BETWEEN, 40, 41, END, 17]


def saved(folder: Path, seed: int = 0) -> Direction:
    """A direction's file for a tiny model, which knows the ends of sentences."""
    drawn = direction_for(tiny_family("Llama"), seed=seed)
    card = drawn.card.model_copy(update={"marks": SentenceMarks(ends=[END], between=[BETWEEN])})
    return replace(drawn, card=card).save(folder / f"d{seed}.safetensors")


def asking(direction: Direction, coefficient: object = 0.5, **options: str) -> dict[str, Any]:
    """The extra arguments of a request."""
    extra = {"direction": direction.sha256, "coefficient": coefficient, **options}
    return {f"cocoon_{name}": value for name, value in extra.items()}


def state(extra: dict[str, Any] | None) -> Any:
    """A request as vLLM's worker remembers it."""
    return SimpleNamespace(prompt_token_ids=PROMPT, sampling_params=SimpleNamespace(extra_args=extra))


def test_without_directions_the_plug_in_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COCOON_DIRECTIONS", raising=False)
    register()
    assert "vllm" not in sys.modules


def test_a_request_without_our_arguments_or_with_coefficient_0_is_plain(tmp_path: Path) -> None:
    direction = saved(tmp_path)
    directions = ServedDirections([tmp_path])
    plain = (None, {}, {"other": 1}, asking(direction, 0.0), asking(direction, 0))
    assert [directions.of_request(extra) for extra in plain] == [None] * 5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cocoon_direction": "f" * 64}, "not among the 1 of this server"),
        ({"cocoon_coefficient": "0.5"}, "not a finite number"),
        ({"cocoon_coefficient": float("nan")}, "not a finite number"),
        ({"cocoon_coefficient": True}, "not a finite number"),
        ({"cocoon_dose": 0.5}, "cocoon_dose is not known"),
        ({"cocoon_at": "never"}, "choose every, starts"),
        ({"cocoon_mode": "ablate"}, "hidden state"),
        ({"cocoon_tokens": "replies"}, "earlier replies"),
        ({"cocoon_tokens": "both", "cocoon_at": "starts"}, "earlier replies"),
        ({"cocoon_layers": "7"}, "not in this direction"),
    ],
)
def test_what_cannot_be_honoured_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    extra = asking(saved(tmp_path)) | changes
    with pytest.raises(CocoonError, match=reason):
        ServedDirections([tmp_path]).of_request(extra)


def test_a_direction_of_another_width_is_refused_at_the_start(tmp_path: Path) -> None:
    saved(tmp_path)
    directions = ServedDirections([tmp_path])
    assert directions.fit(3, 32) == 1
    with pytest.raises(CocoonError, match="3 layers of width 32"):
        directions.fit(3, 64)


def test_a_direction_that_is_made_later_is_found_in_its_folder(tmp_path: Path) -> None:
    directions = ServedDirections([tmp_path / "directions"])
    assert directions.load() == 0
    (tmp_path / "directions").mkdir()
    steering = directions.of_request(asking(saved(tmp_path / "directions")))
    assert steering is not None and steering.coefficient == 0.5


def test_only_blocks_that_were_steered_are_kept_apart_in_the_cache(tmp_path: Path) -> None:
    direction = saved(tmp_path)
    directions = ServedDirections([tmp_path])
    keys = {}
    for name, extra in {
        "low": asking(direction, 0.1),
        "high": asking(direction, 0.2),
        "starts": asking(direction, 0.1, at="starts"),
        "both": asking(direction, 0.1, tokens="both"),
    }.items():
        steering = directions.of_request(extra)
        assert steering is not None
        keys[name] = [steering.cache_key(40, end) for end in (16, 39, 40, 48)]
    assert [keys[name][:2] for name in ("low", "high", "starts")] == [[None, None]] * 3, "prompts are shared"
    assert len({key for name in keys for key in keys[name][2:]}) == 4, "replies are not"
    assert None not in keys["both"] and keys["both"][0] != keys["both"][2]


@pytest.mark.parametrize("at", ["every", "starts"])
@pytest.mark.parametrize("parts", [[14], [7, 1, 1, 1, 1, 1, 1, 1], [3, 4, 1, 2, 4]])
def test_a_row_read_in_parts_is_steered_where_the_control_steers_it(tmp_path: Path, at: At, parts: list[int]) -> None:
    direction, ids = saved(tmp_path), np.array(PROMPT + REPLY)
    wanted = Control(direction, at=at).steers([*PROMPT, *REPLY], RowColumns(0, len(PROMPT))) * np.float32(0.5)
    assert 0 < wanted.sum() < len(ids) / 2
    passes = SteeredPasses(ServedDirections([tmp_path]))
    states = {"a": state(asking(direction, at=at)), "plain": state(None)}

    def read(first: int, count: int) -> list[float]:
        """Read a part beside a plain row of two tokens, which stands first."""
        passes.parts = [RowPart("plain", 0, 2), RowPart("a", first, count)]
        doses = passes.doses(states, 2 + count, lambda: np.concatenate([[1, END], ids[first : first + count]]))
        assert all(not own[:2].any() for _, own in doses)
        return doses[0][1][2:].tolist() if doses else [0.0] * count

    ends = np.cumsum(parts)
    found = [dose for end, count in zip(ends, parts, strict=True) for dose in read(int(end) - count, count)]
    assert found == wanted.tolist()
    # It had to make room for others: its beginning comes from the cache, and the rest is read again.
    assert read(9, 3) + read(12, 2) == wanted[9:].tolist()


def test_a_request_of_the_same_name_is_another_one(tmp_path: Path) -> None:
    direction = saved(tmp_path)
    passes = SteeredPasses(ServedDirections([tmp_path]), [RowPart("a", len(PROMPT), 1)])
    for coefficient in (0.5, 0.25):
        [(_, own)] = passes.doses({"a": state(asking(direction, coefficient))}, 1, lambda: np.array([12]))
        assert own.tolist() == [coefficient]
    assert passes.doses({"a": state(None)}, 1, lambda: pytest.fail("nothing is steered")) == []


class Block(nn.Module):
    """A layer as vLLM's: its output and the residual stream are handed on apart."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = nn.Identity()

    def forward(self, hidden: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros_like(hidden), hidden + residual


class Network(nn.Module):
    """Three such layers."""

    def __init__(self) -> None:
        super().__init__()
        self.config = tiny_family("Llama").config
        self.layers = nn.ModuleList([Block() for _ in range(3)])

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        residual = torch.zeros_like(hidden)
        for layer in self.layers:
            hidden, residual = layer(hidden, residual)
        return hidden + residual


class Runner:
    """The parts of a model runner that steering takes hold of."""

    def __init__(self, states: dict[str, Any]) -> None:
        self.requests = states
        self.model = Network()
        self.input_ids = SimpleNamespace(gpu=torch.tensor([1, 12, 12, 0]))
        self.input_batch = SimpleNamespace(req_ids=list(states), num_computed_tokens_cpu=np.full(9, len(PROMPT)))

    def _prepare_inputs(self, scheduler_output: object, counts: Any) -> Any:
        return counts

    def _model_forward(self, input_ids: Any = None, positions: Any = None, **keywords: Any) -> torch.Tensor:
        return self.model(torch.zeros(len(positions), 32))

    def step(self) -> torch.Tensor:
        """Run a pass with a token of each request, and one of padding."""
        self._prepare_inputs(None, np.ones(len(self.requests), int))
        return self._model_forward(self.input_ids.gpu, positions=torch.arange(4))


def test_rows_of_one_pass_have_their_own_coefficients_and_directions(tmp_path: Path) -> None:
    first, second = saved(tmp_path), saved(tmp_path, seed=1)
    runner = Runner({"plain": state(None), "a": state(asking(first, 0.5)), "b": state(asking(second, -0.25))})
    steer_runner(runner, ServedDirections([tmp_path]))
    added = [np.zeros(32), 5 * first.vectors.sum(0), -2.5 * second.vectors.sum(0), np.zeros(32)]
    assert np.allclose(runner.step().numpy(), added, atol=1e-5)


def engine(**changes: Any) -> Any:
    """Settings of vLLM under which steering is right."""
    parallel = SimpleNamespace(pipeline_parallel_size=changes.pop("stages", 1))
    settings = {
        "model_config": SimpleNamespace(enforce_eager=changes.pop("eager", True)),
        "parallel_config": parallel,
        "speculative_config": None,
        "use_v2_model_runner": False,
        "kv_transfer_config": None,
    }
    return SimpleNamespace(**{**settings, **changes})


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"eager": False}, "--enforce-eager"),
        ({"stages": 2}, "--pipeline-parallel-size"),
        ({"speculative_config": object()}, "--speculative-config"),
        ({"use_v2_model_runner": True}, "VLLM_USE_V2_MODEL_RUNNER=0"),
        ({"kv_transfer_config": object()}, "--kv-transfer-config"),
    ],
)
def test_a_server_that_would_steer_wrongly_is_not_started(changes: dict[str, Any], advice: str) -> None:
    refuse_engine_settings(engine())
    with pytest.raises(CocoonError, match=advice):
        refuse_engine_settings(engine(**changes))
