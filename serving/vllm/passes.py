"""Which tokens of a pass of vLLM are steered, and by how much: the rows of a batch followed from pass to pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cocoon.models.local.control import RowColumns
from cocoon.serving.vllm.requests import ServedDirections, Steering
from cocoon.steering.control.control import Control
from cocoon.steering.control.injection import Scope

Ids = NDArray[np.int_]
ControlDoses = tuple[Control, NDArray[np.float32]]


class RequestState(Protocol):
    """What vLLM's worker remembers of a request."""

    prompt_token_ids: list[int] | None
    sampling_params: Any


@dataclass(frozen=True)
class RowPart:
    """The tokens of one request in a pass: `count` of them, of which the first is token `first` of the row."""

    request: str
    first: int
    count: int


class SteeredRow:
    """A request that is steered, with the tokens of it that were read so far."""

    def __init__(self, state: RequestState, steering: Steering) -> None:
        self.state = state
        self.steering = steering
        self._ids = list(state.prompt_token_ids or ())
        self._place = RowColumns(0, len(self._ids))
        self._scope: Scope = steering.control.row(self._place)
        self._end = 0

    def doses(self, first: int, ids: Ids) -> NDArray[np.float32]:
        """Return the coefficient of each of `ids`, which stand in the row from token `first` on.

        A row is not always read from where it was left: its beginning may come from the cache, and a row that had to
        make room for others is read again.
        """
        self._ids[first : first + len(ids)] = ids.tolist()
        if first != self._end:
            self._scope = self.steering.control.row(self._place)
            if first:
                self._scope.of_row(self._ids[:first])
        self._end = first + len(ids)
        return self._scope.of_row(self._ids[first : self._end], first) * np.float32(self.steering.coefficient)


@dataclass
class SteeredPasses:
    """Follow the requests of a worker. `parts` are set before each pass, in the order of its tokens."""

    directions: ServedDirections
    parts: Sequence[RowPart] = ()
    _rows: dict[str, tuple[RequestState, SteeredRow | None]] = field(default_factory=dict)

    def doses(self, states: Mapping[str, RequestState], width: int, read_ids: Callable[[], Ids]) -> list[ControlDoses]:
        """Return the coefficients of the pass's `width` tokens for each control that is at work in it.

        `read_ids` returns the tokens' ids, and is not called where nothing is steered.
        """
        self._rows = {name: row for name, row in self._rows.items() if states.get(name) is row[0]}
        doses: dict[int, ControlDoses] = {}
        ids: Ids | None = None
        begin = 0
        for part in self.parts:
            end = begin + part.count
            row = self._row(part.request, states[part.request])
            if row is not None:
                ids = read_ids() if ids is None else ids
                control = row.steering.control
                _, own = doses.setdefault(id(control), (control, np.zeros(width, np.float32)))
                own[begin:end] = row.doses(part.first, ids[begin:end])
            begin = end
        return [(control, own) for control, own in doses.values() if own.any()]

    def _row(self, name: str, state: RequestState) -> SteeredRow | None:
        if name not in self._rows:
            parameters = state.sampling_params
            steering = self.directions.of_request(parameters.extra_args) if parameters is not None else None
            self._rows[name] = state, None if steering is None else SteeredRow(state, steering)
        return self._rows[name][1]


@contextmanager
def steered(network: Any, doses: Sequence[ControlDoses]) -> Iterator[None]:
    """Steer `network` inside the block, which reads one long row, each token by its doses."""
    with ExitStack() as controls:
        for control, own in doses:
            controls.enter_context(control.applied_to_tokens(network, own))
        yield
