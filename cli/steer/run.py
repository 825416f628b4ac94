"""Runs extraction and calibration from the command line."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import typer
from rich.console import Console
from rich.table import Table

from cocoon.api.reporter import say
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.model_spec import read_local_spec
from cocoon.core.records import Language
from cocoon.models.by_name import check_thoughts, open_local
from cocoon.models.local.weights import Weights
from cocoon.running.local_parts import local_parts
from cocoon.steering.calibration.behaviour import Speaking
from cocoon.steering.calibration.calibrate import Calibration, calibrate
from cocoon.steering.calibration.detector import Trust, read_labels, trust
from cocoon.steering.control.control import Control, check_fit, read_layers
from cocoon.steering.control.injection import Mode, Tokens
from cocoon.steering.directions.direction import At, Direction
from cocoon.steering.directions.estimate import METHODS
from cocoon.steering.directions.extract import Extraction, Recipe, extract
from cocoon.steering.pairs.contrast import POSITIONS, PairKind
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import Situation, check_apart, marks, read_situations, spread_situations

PAPER = Recipe("reply", "mean", "mean", at="every")
PAPER_PAIRS = 800
_USUAL = ("add", "reply", None)


@contextmanager
def opened(spec: str, at: At | None = None) -> Iterator[Weights]:
    """The weights of `local:BASE[+adapter=PATH]`, its adapter at work inside; CocoonError for another spec.

    `at`: where a direction is to be added to it, refused where the adapter does not allow that.
    """
    kind, _, rest = spec.partition(":")
    if kind != "local":
        raise CocoonError(f"model {spec!r}: directions are read from local models; write local:BASE")
    chat = open_local(rest, local_parts(), {})
    if chat.control is not None:
        raise CocoonError(f"model {spec!r}: leave +steer= out; the direction is what is made or tried here")
    adapter = chat._adapter
    if adapter is not None:
        check_thoughts(spec, adapter, at)
    with adapter.applied(chat.weights.network) if adapter else nullcontext():
        yield chat.weights


def one_of(name: str, value: str, known: Sequence[str]) -> None:
    """Raise for a value that an option does not have."""
    if value not in known:
        raise typer.BadParameter(f"{name} {value}: choose {', '.join(known)}")


@dataclass(frozen=True)
class ExtractOptions:
    """What `cocoon steer extract` was given."""

    model: str
    out: Path
    pairs: str
    kind: str | None
    position: str | None
    method: str | None
    layers: str | None
    band: str | None
    choose: str | None
    preset: str | None
    max_tokens: int
    seed: int
    at: str | None = None

    def recipe(self) -> Recipe:
        """How the direction is made; the preset `paper` is reply pairs, read over the whole reply, steered there."""
        preset = self._preset()
        kind: Any = self.kind or preset.kind
        one_of("--kind", kind, get_args(PairKind))
        position: Any = self.position or preset.position
        if position is not None:
            one_of("--position", position, POSITIONS[kind])
        method: Any = self.method or preset.method
        one_of("--method", method, METHODS)
        if self.at is not None:
            one_of("--at", self.at, get_args(At))
        at: Any = self.at or preset.at
        layers = read_layers(self.layers) if self.layers else None
        band = read_layers(self.band) if self.band else None
        return Recipe(kind, position, method, layers, band, at)

    def _preset(self) -> Recipe:
        if self.preset is None:
            return Recipe()
        one_of("--preset", self.preset, ("paper",))
        asked = {"kind": self.kind, "position": self.position, "method": self.method, "at": self.at}
        for name, value in asked.items():
            if value is not None and value != getattr(PAPER, name):
                raise typer.BadParameter(f"--{name} {value}: --preset paper is {getattr(PAPER, name)}; leave one out")
        return PAPER


def run_extract(given: ExtractOptions, as_json: bool) -> None:
    """Extract, choose the layers, save, and tell what was found."""
    recipe = given.recipe()
    pairs = read_pairs(given.pairs)
    if given.preset and len(pairs) < PAPER_PAIRS:
        say(f"{len(pairs)} pairs; the paper's setting is more than {PAPER_PAIRS}: write more with `cocoon steer pairs`")
    languages = {pair.language for pair in pairs}
    chosen_on = given.choose or f"shipped:{sorted(languages)[0]}:choose"
    choose = [] if recipe.band else read_situations(chosen_on)
    check_apart({"pairs": [(pair.situation, pair.said) for pair in pairs], "choose": marks(choose)})
    with opened(given.model, recipe.steers) as weights:
        direction, found = extract(
            weights, pairs, recipe, choose, Speaking(given.max_tokens, seed=given.seed), report=say
        )
    told = {
        "pairs": given.pairs,
        "chosen_on": "" if recipe.band else chosen_on,
        "adapter": read_local_spec(given.model.removeprefix("local:")).adapter,
        "seed": given.seed,
    }
    card = direction.card.model_copy(update=told)
    Direction(direction.vectors, direction.norms, card).save(given.out)
    report = given.out.with_suffix(".extraction.json")
    write_whole(report, [found.model_dump_json(indent=1).encode()])
    _tell_extraction(given, found, as_json)
    say(f"written: {given.out}, {report}")
    say(f"next: cocoon steer calibrate --model {given.model} --direction {given.out} --ratio 0.3")


def _tell_extraction(given: ExtractOptions, found: Extraction, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"direction": str(given.out), **found.model_dump()}))
        return
    table = Table("layer", "held-out accuracy", "cosine of two halves", "steered", title="Layers")
    for layer, accuracy, half in zip(found.layers, found.accuracy, found.halves, strict=True):
        table.add_row(str(layer), f"{accuracy:.2f}", f"{half:.2f}", "x" if layer in (found.band or []) else "")
    Console().print(table)
    typer.echo(f"layers {(found.band or [0])[0]} to {(found.band or [0])[-1]}: {found.why}")
    typer.echo("added to every token" if found.at == "every" else "added where sentences begin")


@dataclass(frozen=True)
class CalibrateOptions:
    """What `cocoon steer calibrate` was given."""

    model: str
    direction: Path
    ratios: list[float]
    situations: str | None
    limit: int
    samples: int
    max_tokens: int
    seed: int
    allow_overlap: bool
    out: Path | None
    labels: str | None = None
    mode: str = "add"
    tokens: str = "reply"
    at: str | None = None

    def control(self, direction: Direction) -> Control:
        """The direction as it is to be applied."""
        one_of("--mode", self.mode, get_args(Mode))
        one_of("--tokens", self.tokens, get_args(Tokens))
        if self.at is not None:
            one_of("--at", self.at, get_args(At))
        mode: Any = self.mode
        tokens: Any = self.tokens
        at: Any = self.at
        return Control(direction, mode=mode, tokens=tokens, at=at)


def run_calibrate(given: CalibrateOptions, as_json: bool) -> None:
    """Calibrate and tell; the first target's coefficient and interval stand at the top of the JSON."""
    direction = Direction.load(given.direction)
    control = given.control(direction)
    name = given.situations or f"shipped:{language_of(direction)}:calibrate"
    situations = spread_situations(read_situations(name), given.limit, given.seed)
    shared = _keep_apart(direction, situations, given.allow_overlap)
    reader = trust(read_labels(given.labels)) if given.labels else None
    with opened(given.model, control.at) as weights:
        check_fit(direction, weights, f"direction {str(given.direction)!r}")
        made, _ = calibrate(
            weights,
            control,
            situations,
            given.ratios,
            samples=given.samples,
            speaking=Speaking(given.max_tokens, seed=given.seed),
            tell=say,
            reader=reader,
        )
    if given.out is not None:
        write_whole(given.out, [made.model_dump_json(indent=1).encode()])
    _tell_calibration(given, made, shared, as_json)


def language_of(direction: Direction) -> Language:
    """The language of the direction's pairs; English where they cannot be read."""
    try:
        return read_pairs(direction.card.pairs)[0].language
    except CocoonError:
        return "en"


def _keep_apart(direction: Direction, situations: Sequence[Situation], allowed: bool) -> int | None:
    """How many situations stand in what the direction was made from too; more than 0 must be `allowed`.

    None where its pairs cannot be read.
    """
    sets = {"situations": marks(situations)}
    try:
        sets["pairs"] = [(pair.situation, pair.said) for pair in read_pairs(direction.card.pairs)]
        if direction.card.chosen_on:
            sets["choose"] = marks(read_situations(direction.card.chosen_on))
    except CocoonError:
        say(f"the direction's pairs ({direction.card.pairs or 'not named'}) cannot be read: overlap was not checked")
        return None
    return len(check_apart(sets, allowed=allowed))


def _tell_calibration(given: CalibrateOptions, made: Calibration, shared: int | None, as_json: bool) -> None:
    first = made.found[0]
    if as_json:
        typer.echo(json.dumps({**first.model_dump(), "overlap": shared, **made.model_dump()}))
        return
    columns = ("coefficient", "replies", "genuine", "marked", "pasted", "degenerate", "nats", "tokens", "openings", "")
    table = Table(*columns, title=f"{made.situations} situations, {made.samples} replies each, layers {made.layers}")
    for one in made.tried:
        seen = one.behaviour
        shares = (seen.genuine, seen.marked, seen.pasted, seen.broken, seen.nats, seen.tokens, seen.openings)
        cells = ["" if value is None else f"{value:.2f}" for value in shares]
        table.add_row(f"{one.coefficient:g}", str(seen.replies), *cells, one.outside or "")
    Console().print(table)
    for found in made.found:
        low, high = found.interval
        below, above = found.ratio_interval
        typer.echo(
            f"ratio {found.target:g}: coefficient {found.coefficient:.4f} [{low:.4f}, {high:.4f}], "
            f"expected on new situations {found.expected:.2f} [{below:.2f}, {above:.2f}]"
        )
    typer.echo("by turns of the supporter before: " + ", ".join(f"{k}: {v:.2f}" for k, v in made.drift.items()))
    typer.echo(_trusted(made.reader))
    if shared:
        typer.echo(f"{shared} situations stand in the direction's pairs or choice too: the ratios flatter it")
    chosen = (("mode", given.mode), ("tokens", given.tokens), ("at", given.at))
    how = "".join(f"+{name}={value}" for name, value in chosen if value not in _USUAL)
    say(f"use it: {given.model}+steer={given.direction}:{first.coefficient:.4f}{how}")


def _trusted(reader: Trust | None) -> str:
    """What the ratios are: the detector's, or a reader's."""
    if reader is None:
        return "ratios are the detector's; --labels corrects them by a reader"
    low, high = reader.interval()
    return (
        f"ratios are a reader's: of {reader.detected} detected questions {reader.precision:.0%} asked "
        f"[{low:.0%}, {high:.0%}], of {reader.pasted} other marks {reader.missed:.0%}"
    )
