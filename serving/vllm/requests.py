"""What a request to vLLM asks for in its extra arguments, read against the directions of the server, or refused."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import ARGUMENT_PREFIX, STEER_OPTIONS
from cocoon.steering.control.control import Control, check_shape, control_of
from cocoon.steering.directions.direction import Direction

_NAMES = ("direction", "coefficient", *STEER_OPTIONS)
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Steering:
    """A control with the coefficient of one request."""

    control: Control
    coefficient: float

    def cache_key(self, prompt_length: int, end: int) -> str | None:
        """Return what the keys and values of a block depend on beside its tokens, up to token `end` of the row.

        None stands for a block that is computed as without steering, so that all coefficients share it.
        """
        reaches_reply = end > prompt_length - 1
        if not (reaches_reply or self.control.changes_prompt):
            return None
        facts = ",".join(f"{name}={value}" for name, value in sorted(self.control.facts().items()))
        return f"{facts},{self.coefficient!r},{prompt_length if reaches_reply else ''}"


@dataclass
class ServedDirections:
    """The directions of a server, each loaded once. `paths` are their files, or folders of them.

    A folder is looked through again for a direction that is not known yet. `shape` is the number of the model's layers
    and its width, as soon as they are known.
    """

    paths: Sequence[Path]
    shape: tuple[int, int] | None = None
    _by_sha: dict[str, Direction] = field(default_factory=dict)
    _files: set[Path] = field(default_factory=set)
    _controls: dict[tuple[str, ...], Control] = field(default_factory=dict)

    def load(self) -> int:
        """Load the files that are not loaded yet, and return how many directions there are.

        Raises CocoonError for a file that is none, or of another model.
        """
        for path in self._new_files():
            direction = Direction.load(path)
            if self.shape is not None:
                check_shape(direction, *self.shape, f"direction {str(path)!r}")
            self._by_sha[str(direction.sha256)] = direction
            self._files.add(path)
        return len(self._by_sha)

    def fit(self, layers: int, hidden: int) -> int:
        """Take the shape of the model, and return how many directions there are.

        Raises CocoonError for a direction of another model, now and whenever one is loaded.
        """
        self.shape = layers, hidden
        for direction in self._by_sha.values():
            check_shape(direction, layers, hidden, f"direction {str(direction.sha256)[:16]!r}")
        return self.load()

    def _new_files(self) -> Iterator[Path]:
        for path in self.paths:
            files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() or path.suffix != SUFFIX else [path]
            yield from (file for file in files if file not in self._files)

    def of_request(self, extra: Mapping[str, Any] | None) -> Steering | None:
        """Return the steering that extra arguments ask for, None where they ask for none or for coefficient 0.

        Raises CocoonError for what is not known or cannot be done.
        """
        arguments = {
            name.removeprefix(ARGUMENT_PREFIX): value
            for name, value in (extra or {}).items()
            if name.startswith(ARGUMENT_PREFIX)
        }
        if not arguments:
            return None
        for name in arguments:
            if name not in _NAMES:
                raise CocoonError(f"{ARGUMENT_PREFIX}{name} is not known; there are {', '.join(_NAMES)}")
        coefficient = _coefficient(arguments.get("coefficient"))
        control = self._control(
            str(arguments.get("direction")), {name: str(arguments[name]) for name in STEER_OPTIONS if name in arguments}
        )
        return Steering(control, coefficient) if coefficient else None

    def _control(self, sha: str, options: Mapping[str, str]) -> Control:
        key = (sha, *(f"{name}={value}" for name, value in sorted(options.items())))
        if key not in self._controls:
            self._controls[key] = _honoured(control_of(self._direction(sha), options))
        return self._controls[key]

    def _direction(self, sha: str) -> Direction:
        if sha not in self._by_sha:
            self.load()
        if sha not in self._by_sha:
            raise CocoonError(f"direction {sha[:16]!r} is not among the {len(self._by_sha)} of this server")
        return self._by_sha[sha]


def _coefficient(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CocoonError(f"coefficient {value!r} is not a finite number")
    return float(value)


def _honoured(control: Control) -> Control:
    """Return the control. Raises CocoonError if it does what a server cannot do for single requests."""
    if control.mode != "add":
        raise CocoonError(f"mode={control.mode} needs a token's whole hidden state, which vLLM keeps in two parts")
    if control.needs_earlier:
        raise CocoonError(
            f"tokens={control.tokens} with at={control.at} needs to know where earlier replies stand in the prompt, "
            "which a server is not told; take tokens=reply"
        )
    return control
