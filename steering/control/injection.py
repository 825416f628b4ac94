"""Hooks of a control: select the tokens of a pass that are steered, and change a layer's output there."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cocoon.core.errors import CocoonError
from cocoon.models.local.control import RowColumns, Span
from cocoon.steering.control.starts import SentenceStarts

Mode = Literal["add", "norm", "ablate"]
Tokens = Literal["reply", "replies", "prompt", "both"]
Doses = Sequence[float] | NDArray[np.float32]


class Scope:
    """Select the tokens of the current pass that are steered. A hook on the decoder sets it at the start of each pass.

    With `starts`, only those of them that decide how a sentence begins. `mask`, shape (rows, columns), is None if all
    are steered. `idle` is true if no token is steered.
    """

    def __init__(
        self, tokens: Tokens, rows: int, places: Sequence[RowColumns] | None, starts: SentenceStarts | None = None
    ) -> None:
        if places is not None and len(places) != rows:
            raise CocoonError(f"{rows} coefficients for {len(places)} rows; give one for each")
        self.tokens = tokens
        self.starts = starts
        self.rows = rows
        self.places = places
        self.mask: Any = None
        self.columns = None
        self.idle = False
        self._masks: dict[Any, Any] = {}
        self._ids: Any = None
        self._prompt_end = 0
        self._last = 0

    def note_ids(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:  # noqa: ARG002
        """Keep the token ids when they are embedded, because a model that also sees images does not pass them on."""
        self._ids = arguments[0] if arguments else keywords.get("input")

    def begin(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:  # noqa: ARG002
        """Select the tokens of a pass of the decoder that starts now."""
        ids: Any = keywords.get("input_ids", arguments[0] if arguments else None)
        inputs: Any = keywords.get("inputs_embeds") if ids is None else ids
        batch, width = inputs.shape[:2]
        if batch % self.rows:
            raise CocoonError(f"{self.rows} coefficients for a batch of {batch} rows; give one, or one for each")
        cache = keywords.get("past_key_values")
        cached = int(cache.get_seq_length()) if cache is not None else 0
        self._note_prompt(cached, width, has_cache=cache is not None)
        self._choose(cached, width)
        if self.starts is not None:
            seen = self._ids if ids is None else ids
            if seen is None or tuple(seen.shape[:2]) != (batch, width):
                raise CocoonError(
                    "the starts of sentences are read from token ids, which this model did not receive; steer at every "
                    "token (+at=every, --at every)"
                )
            self._narrow(self.starts, cached, seen.cpu().numpy())

    def _note_prompt(self, cached: int, width: int, *, has_cache: bool) -> None:
        """Take the first pass as the prompt if no places are given. Without a cache, later passes repeat the prompt."""
        goes_on = cached > 0 or (not has_cache and width == self._last + 1)
        if not goes_on:
            self._prompt_end = width
        self._last = width

    def _choose(self, cached: int, width: int) -> None:
        columns = np.arange(cached, cached + width)
        places = self._all_places()
        begins, replies = (
            np.array(part)[:, None]
            for part in zip(*((row_place.begin, row_place.reply) for row_place in places), strict=True)
        )
        mask = self._meant(columns, begins, replies)
        if self.tokens == "replies" and cached < max(row_place.reply for row_place in places):
            mask |= np.stack([_within(columns, row_place.earlier) for row_place in places])
        self._set(mask)

    def _all_places(self) -> Sequence[RowColumns]:
        return self.places or [RowColumns(0, self._prompt_end)]

    def _set(self, mask: NDArray[np.bool_]) -> None:
        self.idle = not mask.any()
        self.mask, self._masks = None, {}
        if not self.idle and not mask.all():
            import torch

            self.mask = torch.from_numpy(mask)

    def _narrow(self, starts: SentenceStarts, cached: int, ids: NDArray[np.int_]) -> None:
        """Keep only those of the selected tokens that decide how a sentence begins."""
        columns = np.arange(cached, cached + ids.shape[1])
        before = [
            [row_place.reply - 1, *(first - 1 for first, _ in row_place.earlier)] for row_place in self._all_places()
        ]
        opening = np.stack([np.isin(columns, columns_before) for columns_before in before])
        marked = starts.of(ids, cached, np.repeat(opening, len(ids) // len(opening), 0))
        if not self.idle:
            chosen = marked if self.mask is None else self.mask.numpy().repeat(len(ids) // len(self.mask), 0) & marked
            self._set(chosen)

    def of_row(self, ids: Sequence[int], first: int = 0) -> NDArray[np.bool_]:
        """Return which tokens of an unpadded row are steered, shape (tokens,).

        `first` is the place of the first of them in the row. What came before it was given in earlier calls.
        """
        self._choose(first, len(ids))
        if self.starts is not None:
            self._narrow(self.starts, first, np.array([ids]))
        return np.full(len(ids), not self.idle) if self.mask is None else self.mask[0].numpy()

    def spread(self, part: Any, batch: int) -> Any:
        """Return what belongs to the rows, shape (rows, width), as (batch, 1, width)."""
        return _repeated(part, batch)[:, None]

    def mask_on(self, device: Any, batch: int) -> Any:
        """Return `mask` on a device, shape (batch, columns, 1), with a row for every row of the batch.

        It is moved to the device once per pass.
        """
        if self.mask is None:
            return None
        if device not in self._masks:
            self._masks[device] = _repeated(self.mask.to(device), batch)[..., None]
        return self._masks[device]

    def _meant(
        self, columns: NDArray[np.int_], begins: NDArray[np.int_], replies: NDArray[np.int_]
    ) -> NDArray[np.bool_]:
        if self.tokens == "both":
            return columns >= begins
        if self.tokens == "prompt":
            return (columns >= begins) & (columns < replies)
        # The token before a reply is steered too, because it decides the reply's first token.
        return columns >= replies - 1


def _within(columns: NDArray[np.int_], spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Return whether each column is in one of the replies, or is the token before one."""
    inside = np.zeros(len(columns), np.bool_)
    for first, end in spans:
        inside |= (columns >= first - 1) & (columns < end)
    return inside


class TokenScope:
    """The scope of a pass over one long row in which tokens have coefficients of their own.

    `columns` are the tokens that have one, or None if all have.
    """

    idle = False

    def __init__(self, columns: NDArray[np.int_] | None) -> None:
        self.columns = columns

    def mask_on(self, device: Any, batch: int) -> Any:  # noqa: ARG002
        """Return None, because `columns` says it all."""
        return None

    def spread(self, part: Any, batch: int) -> Any:  # noqa: ARG002
        """Return what belongs to the tokens, shape (tokens, width), as (1, tokens, width)."""
        return part[None]


class Injection:
    """The forward hook of one layer. `unit` has shape (hidden,), `coefficients` one number per row (or one for all),
    or per token under `TokenScope`.

    The added vector is computed in float32 and rounded once. Rows with coefficient 0 get -0.0 added, which is the
    number that changes no bit of any other (0.0 would turn -0.0 into 0.0).
    """

    def __init__(
        self,
        mode: Mode,
        unit: NDArray[np.float32],
        norm: float,
        coefficients: Doses,
        scope: Scope | TokenScope,
    ) -> None:
        self._mode: Mode = mode
        self._scope = scope
        doses = np.asarray(coefficients, np.float32)[:, None]
        self._unit = np.asarray(unit, np.float32)
        self._doses = doses
        added = doses * norm * self._unit
        self._added = np.where(doses == 0, np.float32(-0.0), added)
        self._tensors: dict[Any, tuple[Any, Any]] = {}

    def __call__(self, module: Any, arguments: tuple[Any, ...], output: Any) -> Any:  # noqa: ARG002
        if self._scope.idle:
            return None
        if isinstance(output, tuple):
            return (self._changed(output[0]), *output[1:])
        return self._changed(output)

    def _changed(self, hidden: Any) -> Any:
        """Return `hidden`, shape (rows, columns, width), with the direction applied.

        A server's batch is one long row of shape (columns, width).
        """
        if hidden.ndim == 2:
            return self._changed(hidden[None])[0]
        columns = self._scope.columns
        if columns is None:
            return self._steered(hidden)
        changed = hidden.clone()
        changed[:, columns] = self._steered(hidden[:, columns])
        return changed

    def _steered(self, hidden: Any) -> Any:
        import torch

        added, doses = self._on(hidden)
        mask = self._scope.mask_on(hidden.device, hidden.shape[0])
        if self._mode == "add":
            if mask is not None:
                added = torch.where(mask, added, torch.full_like(added, -0.0))
            return hidden + added
        meant = doses != 0 if mask is None else mask & (doses != 0)
        changed = self._ablated(hidden, added, doses) if self._mode == "ablate" else _with_norm(hidden, hidden + added)
        return torch.where(meant, changed, hidden)

    def _ablated(self, hidden: Any, unit: Any, doses: Any) -> Any:
        along = (hidden.float() * unit).sum(-1, keepdim=True)
        return (hidden.float() - doses * along * unit).to(hidden.dtype)

    def _on(self, hidden: Any) -> tuple[Any, Any]:
        """Return what is added and the doses on the device of `hidden`, each with a row for every row of `hidden`."""
        key = hidden.device, hidden.dtype, hidden.shape[0]
        if key not in self._tensors:
            import torch

            ablating = self._mode == "ablate"
            added = torch.from_numpy(self._unit[None] if ablating else self._added)
            added = added.to(hidden.device, torch.float32 if ablating else hidden.dtype)
            doses = torch.from_numpy(self._doses).to(hidden.device)
            self._tensors[key] = tuple(self._scope.spread(part, hidden.shape[0]) for part in (added, doses))
        return self._tensors[key]


def _with_norm(before: Any, after: Any) -> Any:
    """Return `after` with the norms of `before`, token by token."""
    scale = before.float().norm(dim=-1, keepdim=True) / after.float().norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return (after.float() * scale).to(before.dtype)


def _repeated(rows: Any, batch: int) -> Any:
    """Repeat each row until they fill the batch (beams, several sequences per prompt)."""
    return rows if len(rows) == batch else rows.repeat_interleave(batch // len(rows), 0)
