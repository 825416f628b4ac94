"""What may change a local model while it writes: controls of its hidden states, and adapters of its weights.

Both are protocols: what a spec such as `local:BASE+adapter=PATH+steer=PATH:COEF` names is made in the rooms above
and handed in (`Parts`), so that nothing here looks up.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cocoon.models.local.weights import Weights

Span = tuple[int, int]


@dataclass(frozen=True)
class RowColumns:
    """Where a row's tokens stand in the batch, in columns from 0: padding ends at `begin`, the reply starts at `reply`.

    `earlier` are the replies before this one that stand in the prompt, as (first, one past the last) column.
    """

    begin: int
    reply: int
    earlier: tuple[Span, ...] = ()


class LocalControl(Protocol):
    """Something that changes hidden states while rows are written, each row by a coefficient of its own."""

    @property
    def needs_earlier(self) -> bool:
        """Whether it must be told where earlier replies stand in the prompt."""
        ...

    @property
    def changes_prompt(self) -> bool:
        """Whether tokens of the prompt before its last are changed. If not, prompts are shared between coefficients."""
        ...

    def applied(
        self, network: Any, coefficients: Sequence[float], places: Sequence[RowColumns] | None = None
    ) -> AbstractContextManager[None]:
        """Change what `network` computes inside the block: row i by coefficients[i], not at all where that is 0.

        Afterwards the network is as it was, whatever was raised inside.
        """
        ...

    def steers(self, ids: Sequence[int], place: RowColumns) -> NDArray[np.bool_]:
        """Return which tokens of a row are changed, shape (tokens,). The row is unpadded and may still grow."""
        ...

    def applied_to_tokens(self, network: Any, coefficients: NDArray[np.float32]) -> AbstractContextManager[None]:
        """Change what `network` computes for one long row inside the block: token i by coefficients[i]."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return what a manifest says of it."""
        ...


class Adapter(Protocol):
    """Weights laid over a base that is loaded once. They are inactive outside `applied`."""

    def applied(self, network: Any) -> AbstractContextManager[None]:
        """Have the adapter work for every row inside the block."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return what a manifest says of it."""
        ...


@dataclass(frozen=True)
class Parts:
    """What opens the parts of a local spec: an adapter from its folder, a control from its file and options.

    Both raise CocoonError for what does not fit the loaded base.
    """

    adapter: Callable[[Weights, Path], Adapter]
    control: Callable[[Weights, Path, Mapping[str, str]], LocalControl]
