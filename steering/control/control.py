"""Apply a direction: hooks on the decoder layers add it while rows are generated, each row with its own dose.

A coefficient is a share of the layer's median residual norm: 0.04 adds 4 % of it to every steered token, at each
steered layer. Hooks leave modules, their names and the state dict unchanged, so adapters, sharding over devices and
saving work as without them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from cocoon.core.errors import CocoonError
from cocoon.models.local.control import RowColumns
from cocoon.models.local.decoder_layers import decoder, decoder_layers, hidden_size
from cocoon.models.local.weights import Weights, model_hash
from cocoon.steering.control.injection import Doses, Injection, Mode, Scope, Tokens, TokenScope
from cocoon.steering.control.starts import SentenceStarts
from cocoon.steering.directions.direction import At, Direction


@dataclass(frozen=True)
class Control:
    """How a direction is applied. It implements `cocoon.models.local.control.LocalControl`.

    `layers` (default: the direction's band, else all of its layers) are blocks counted from 0, whose output is
    changed. `mode` is `add`, `norm` (add, then restore each token's norm) or `ablate` (remove the coefficient's share
    of the token's component along the direction, 1 for all of it).

    `tokens` is `reply` (the last token of the prompt, which decides the first token of the reply, and every token
    written after it), `replies` (also the earlier replies of the dialogue, as they were steered when they were
    written), `prompt` (only the prompt) or `both` (all tokens).

    `at` (default: what the direction was made for) is `every` for all of these tokens, or `starts` for those that
    decide how a sentence begins: the token before it (the one before the reply, or one that ends a statement), blanks
    and closing marks behind that, and the first token of the sentence. After a question nothing is added, so that a
    speaker who has asked may stop. `starts` follows rows from token to token and does not work with beam search.
    """

    direction: Direction
    layers: tuple[int, ...] = ()
    mode: Mode = "add"
    tokens: Tokens = "reply"
    at: At | None = None

    def __post_init__(self) -> None:
        chosen = tuple(self.layers) or self.direction.band or self.direction.layers
        unknown = sorted(set(chosen) - set(self.direction.layers))
        if unknown:
            raise CocoonError(
                f"layers {unknown} are not in this direction, which holds {_ranges(self.direction.layers)}; "
                "choose among those"
            )
        object.__setattr__(self, "layers", tuple(sorted(chosen)))
        object.__setattr__(self, "at", self.at or self.direction.card.at)
        marks = self.direction.card.marks
        if self.at == "starts" and (marks is None or not marks.ends):
            raise CocoonError(
                f"direction for {self.direction.model!r}: it does not know which tokens end a sentence; extract it "
                "again, or steer at every token (+at=every, --at every)"
            )

    @property
    def needs_earlier(self) -> bool:
        """Whether earlier replies of the prompt, or sentence starts in them, are steered too."""
        return self.tokens == "replies" or (self.at == "starts" and self.tokens != "reply")

    @property
    def changes_prompt(self) -> bool:
        """Whether tokens before the last token of the prompt are steered."""
        return self.tokens != "reply"

    @contextmanager
    def applied(
        self, network: Any, coefficients: Sequence[float], places: Sequence[RowColumns] | None = None
    ) -> Iterator[None]:
        """Steer `network` inside the block: row i of every batch by coefficients[i], or all rows by a single one.

        Rows with coefficient 0 stay bit-identical, and if all are 0 nothing is hooked. `places` say where the tokens of
        each row stand. Without them, a prompt ends where the first forward pass does. With beams, or several sequences
        per prompt, each row stands for as many neighbours. Beams under `at=starts` are not told apart, and this is not
        detected. Raises CocoonError if the direction does not fit.
        """
        if not any(coefficients):
            yield
            return
        scope = Scope(self.tokens, len(coefficients), places, self._starts())
        with ExitStack() as hooks:
            hooks.callback(decoder(network).register_forward_pre_hook(scope.begin, with_kwargs=True).remove)
            if scope.starts is not None:
                embedding = network.get_input_embeddings()
                hooks.callback(embedding.register_forward_pre_hook(scope.note_ids, with_kwargs=True).remove)
            self._inject(network, coefficients, scope, hooks)
            yield

    def steers(self, ids: Sequence[int], place: RowColumns) -> NDArray[np.bool_]:
        """Return which tokens of an unpadded row are steered, shape (tokens,)."""
        return self.row(place).of_row(ids)

    def row(self, place: RowColumns) -> Scope:
        """Return what selects the steered tokens of one unpadded row, read from its beginning part by part."""
        return Scope(self.tokens, 1, [place], self._starts())

    @contextmanager
    def applied_to_tokens(self, network: Any, coefficients: NDArray[np.float32]) -> Iterator[None]:
        """Steer `network` inside the block, which reads one long row: token i by coefficients[i], whichever it is.

        Raises CocoonError if the direction does not fit.
        """
        steered = np.flatnonzero(coefficients)
        with ExitStack() as hooks:
            if len(steered):
                scope = TokenScope(steered if len(steered) < len(coefficients) else None)
                self._inject(network, coefficients[steered], scope, hooks)
            yield

    def _starts(self) -> SentenceStarts | None:
        marks = self.direction.card.marks
        return SentenceStarts(marks) if marks is not None and self.at == "starts" else None

    def _inject(self, network: Any, coefficients: Doses, scope: Scope | TokenScope, hooks: ExitStack) -> None:
        """Hook the steered layers until `hooks` is closed."""
        blocks = decoder_layers(network)
        check_shape(self.direction, len(blocks), hidden_size(network))
        for layer in self.layers:
            hook = self._injection(layer, coefficients, scope)
            hooks.callback(blocks[layer].register_forward_hook(hook).remove)

    def _injection(self, number: int, coefficients: Doses, scope: Scope | TokenScope) -> Injection:
        row = self.direction.layers.index(number)
        unit, norm = self.direction.vectors[row], float(self.direction.norms[row])
        return Injection(self.mode, unit, norm, coefficients, scope)

    def added(self, number: int, coefficient: float) -> NDArray[np.float32]:
        """Return what mode `add` adds to the output of a layer, shape (hidden,), or zeros if it is not steered."""
        if number not in self.layers:
            return np.zeros(self.direction.hidden, np.float32)
        row = self.direction.layers.index(number)
        return np.float32(coefficient) * self.direction.norms[row] * self.direction.vectors[row]

    def facts(self) -> dict[str, Any]:
        """Return what a manifest records: the SHA-256 of the direction's file, and how the direction is applied."""
        return {
            "direction": self.direction.sha256,
            "kind": self.direction.kind,
            "method": self.direction.method,
            "layers": _ranges(self.layers),
            "mode": self.mode,
            "tokens": self.tokens,
            "at": self.at,
        }


def open_control(weights: Weights, path: Path, options: Mapping[str, str]) -> Control:
    """Open the control that `+steer=PATH:COEF+layers=16-24+mode=add+tokens=reply+at=every` names, for `weights`.

    Raises CocoonError for a file that is not a direction, a direction of another model, or an unknown option.
    """
    direction = Direction.load(path)
    check_fit(direction, weights, f"direction {str(path)!r}")
    return control_of(direction, options)


def control_of(direction: Direction, options: Mapping[str, str]) -> Control:
    """Return the control of a direction, applied as the options of a spec say.

    Raises CocoonError for an unknown value of an option.
    """
    mode, tokens, at = options.get("mode", "add"), options.get("tokens", "reply"), options.get("at")
    _one_of("mode", mode, get_args(Mode))
    _one_of("tokens", tokens, get_args(Tokens))
    if at is not None:
        _one_of("at", at, get_args(At))
    layers = read_layers(options["layers"]) if "layers" in options else ()
    return Control(direction, layers, mode, tokens, at)  # pyright: ignore[reportArgumentType]


def check_fit(direction: Direction, weights: Weights, where: str) -> None:
    """Raise CocoonError unless the direction was made for the loaded model, as far as both are known."""
    network = weights.network
    check_shape(direction, len(decoder_layers(network)), hidden_size(network), where)
    check_model(direction, weights, where)


def check_shape(direction: Direction, layer_count: int, hidden: int, where: str = "this direction") -> None:
    """Raise CocoonError unless the direction belongs to a model of this many layers and this width."""
    if (direction.layer_count, direction.hidden) != (layer_count, hidden):
        raise CocoonError(
            f"{where} was made for a model of {direction.layer_count} layers of width {direction.hidden} "
            f"({direction.model}), this one has {layer_count} of width {hidden}; extract one for this model"
        )


def check_model(direction: Direction, weights: Weights, where: str) -> None:
    """Raise CocoonError if the direction's model and the loaded one are known to differ, even with the same shape."""
    known = (
        ("model hash", direction.model_hash, model_hash(weights.network)),
        ("revision", direction.revision, weights.revision),
    )
    for name, recorded, loaded in known:
        if recorded is not None and loaded is not None and recorded != loaded:
            raise CocoonError(
                f"{where} was made for {direction.model!r} ({name} {recorded[:16]}), not for {weights.name!r} "
                f"({loaded[:16]}); extract one for this model"
            )


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise CocoonError(f"+{name}={value}: is not known; choose {', '.join(known)}")


def read_layers(text: str) -> tuple[int, ...]:
    """Return the layer numbers of a text such as `16-24` or `3,5,16-18`."""
    chosen: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise CocoonError(f"+layers={text}: is not understood; write layer numbers such as 16-24 or 3,5,16-18")
        chosen |= set(range(int(first), int(last if dash else first) + 1))
    if not chosen:
        raise CocoonError(f"+layers={text}: names no layer; the smaller number comes first")
    return tuple(sorted(chosen))


def _ranges(layers: Sequence[int]) -> str:
    """Return layer numbers in the form that `read_layers` reads."""
    runs: list[list[int]] = []
    for number in sorted(layers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
