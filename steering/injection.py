"""What the hooks of a control do: which tokens of a pass are meant, and how a layer's output is changed."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cocoon.core.control import Place, Span
from cocoon.core.errors import CocoonError
from cocoon.steering.starts import SentenceStarts

Mode = Literal["add", "norm", "ablate"]
Tokens = Literal["reply", "replies", "prompt", "both"]


class Scope:
    """Which tokens of the pass under way are steered; told at the start of each pass by a hook on the decoder.

    With `starts` only those of them that decide how a sentence begins. `mask`, shape (rows, columns), is none where
    all are; `idle` where none is.
    """

    def __init__(
        self, tokens: Tokens, rows: int, places: Sequence[Place] | None, starts: SentenceStarts | None = None
    ) -> None:
        if places is not None and len(places) != rows:
            raise CocoonError(f"{rows} coefficients for {len(places)} rows; give one for each")
        self.tokens = tokens
        self.starts = starts
        self.rows = rows
        self.places = places
        self.mask: Any = None
        self.idle = False
        self._masks: dict[Any, Any] = {}
        self._ids: Any = None
        self._prompt_end = 0
        self._last = 0

    def note_ids(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:  # noqa: ARG002
        """Token ids are embedded; a model that also sees images hands its decoder nothing else of them."""
        self._ids = arguments[0] if arguments else keywords.get("input")

    def begin(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:  # noqa: ARG002
        """A pass of the decoder starts."""
        ids: Any = keywords.get("input_ids", arguments[0] if arguments else None)
        given: Any = keywords.get("inputs_embeds") if ids is None else ids
        batch, width = given.shape[:2]
        if batch % self.rows:
            raise CocoonError(f"{self.rows} coefficients for a batch of {batch} rows; give one, or one for each")
        cache = keywords.get("past_key_values")
        cached = int(cache.get_seq_length()) if cache is not None else 0
        self._note_prompt(cached, width, has_cache=cache is not None)
        self._choose(cached, width)
        if self.starts is not None:
            self._narrow(self.starts, cached, self._ids if ids is None else ids, (batch, width))

    def _note_prompt(self, cached: int, width: int, *, has_cache: bool) -> None:
        """Where no places are given, the prompt is the first pass; without a cache later passes repeat it."""
        goes_on = cached > 0 or (not has_cache and width == self._last + 1)
        if not goes_on:
            self._prompt_end = width
        self._last = width

    def _choose(self, cached: int, width: int) -> None:
        columns = np.arange(cached, cached + width)
        places = self._all_places()
        begins, replies = (np.array(part)[:, None] for part in zip(*((p.begin, p.reply) for p in places), strict=True))
        mask = self._meant(columns, begins, replies)
        if self.tokens == "replies" and cached < max(place.reply for place in places):
            mask |= np.stack([_within(columns, place.earlier) for place in places])
        self._set(mask)

    def _all_places(self) -> Sequence[Place]:
        return self.places or [Place(0, self._prompt_end)]

    def _set(self, mask: NDArray[np.bool_]) -> None:
        self.idle = not mask.any()
        self.mask, self._masks = None, {}
        if not self.idle and not mask.all():
            import torch

            self.mask = torch.from_numpy(mask)

    def _narrow(self, starts: SentenceStarts, cached: int, ids: Any, shape: tuple[int, int]) -> None:
        """Leave of the tokens chosen those that decide how a sentence begins."""
        if ids is None or tuple(ids.shape[:2]) != shape:
            raise CocoonError(
                "where sentences begin is read off token ids, which this model was not given; steer at every token "
                "(+at=every, --at every)"
            )
        columns = np.arange(cached, cached + shape[1])
        before = [[place.reply - 1, *(first - 1 for first, _ in place.earlier)] for place in self._all_places()]
        opening = np.stack([np.isin(columns, some) for some in before])
        marked = starts.of(ids.cpu().numpy(), cached, np.repeat(opening, shape[0] // len(opening), 0))
        if not self.idle:
            chosen = marked if self.mask is None else self.mask.numpy().repeat(shape[0] // len(self.mask), 0) & marked
            self._set(chosen)

    def mask_on(self, device: Any, batch: int) -> Any:
        """`mask` on a device with a row for every row of the batch, shape (batch, columns, 1); moved once a pass."""
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
        # The token before a reply is steered with it: it decides the reply's first token.
        return columns >= replies - 1


def _within(columns: NDArray[np.int_], spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Columns in any of the replies, each with the token before it."""
    found = np.zeros(len(columns), np.bool_)
    for first, end in spans:
        found |= (columns >= first - 1) & (columns < end)
    return found


class Injection:
    """The forward hook of one layer; `unit` has shape (hidden,), `coefficients` one number per row (or one for all).

    What is added is computed in float32 and rounded once. Rows of coefficient 0 get -0.0 added, which is the number
    that changes no bit of any other (0.0 would turn -0.0 into 0.0).
    """

    def __init__(
        self, mode: Mode, unit: NDArray[np.float32], norm: float, coefficients: Sequence[float], scope: Scope
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
        """`hidden`, shape (rows, columns, width), with the direction in it."""
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
        """What is added and the doses, each with a row for every row of `hidden`, on its device."""
        key = hidden.device, hidden.dtype, hidden.shape[0]
        if key not in self._tensors:
            import torch

            ablating = self._mode == "ablate"
            added = torch.from_numpy(self._unit[None] if ablating else self._added)
            added = added.to(hidden.device, torch.float32 if ablating else hidden.dtype)
            doses = torch.from_numpy(self._doses).to(hidden.device)
            self._tensors[key] = tuple(_repeated(part, hidden.shape[0])[:, None] for part in (added, doses))
        return self._tensors[key]


def _with_norm(before: Any, after: Any) -> Any:
    """`after` with the norms of `before`, token by token."""
    scale = before.float().norm(dim=-1, keepdim=True) / after.float().norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return (after.float() * scale).to(before.dtype)


def _repeated(rows: Any, batch: int) -> Any:
    """Each row as often in a row as it takes to fill the batch (beams, several sequences per prompt)."""
    return rows if len(rows) == batch else rows.repeat_interleave(batch // len(rows), 0)
