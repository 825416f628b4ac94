"""Prints what came of an extraction and of a calibration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from cocoon.steering.calibration.calibrate import Calibration
    from cocoon.steering.calibration.check import Check, Transfer
    from cocoon.steering.calibration.detector import Trust
    from cocoon.steering.calibration.on_situations import Calibrated
    from cocoon.steering.directions.extract import Extraction

_COLUMNS = (
    *("coefficient", "replies", "genuine", "marked", "pasted", "degenerate", "nats", "tokens", "openings", "coherent"),
    "",
)


def print_extraction(extraction: "Extraction") -> None:
    """Print what every layer tells apart, the layers that were chosen, and where they are steered."""
    band = extraction.band or []
    table = Table("layer", "held-out accuracy", "cosine of two halves", "steered", title="Layers")
    for layer, accuracy, half in zip(extraction.layers, extraction.accuracy, extraction.halves, strict=True):
        table.add_row(str(layer), f"{accuracy:.2f}", f"{half:.2f}", "x" if layer in band else "")
    Console().print(table)
    first, last = (band[0], band[-1]) if band else (0, 0)
    typer.echo(f"layers {first} to {last}: {extraction.why}")
    typer.echo("added to every token" if extraction.at == "every" else "added where sentences begin")


def print_calibration(calibrated: "Calibrated") -> None:
    """Print every coefficient that was tried, those of the target ratios, and how far they can be trusted."""
    calibration = calibrated.calibration
    Console().print(_tried_table(calibration))
    for found in calibration.found:
        low, high = found.interval
        below, above = found.ratio_interval
        detector = "" if found.detector is None else f", by the detector {found.detector:.2f}"
        typer.echo(
            f"ratio {found.target:g}: coefficient {found.coefficient:.4f} [{low:.4f}, {high:.4f}], "
            f"expected on new situations {found.expected:.2f} [{below:.2f}, {above:.2f}]{detector}"
        )
    drift = ", ".join(f"{turns}: {ratio:.2f}" for turns, ratio in calibration.drift.items())
    typer.echo(f"by turns of the supporter before: {drift}")
    typer.echo(_counted_by(calibration.reader))
    if calibrated.transfer is not None:
        _print_checks(calibration.checks, calibrated.transfer)
    if calibrated.overlap:
        typer.echo(
            f"{calibrated.overlap} situations stand in the direction's pairs or choice too: the ratios flatter it"
        )


def _print_checks(checks: "Sequence[Check]", transfer: "Transfer") -> None:
    """Print how far other people's replies were from the targets, beside what chance alone would show."""
    columns = ("target", "coefficient", "replies", "people", "ratio", "detector", "error", "interval", "chance alone")
    table = Table(*columns, "degenerate", title="Other people")
    for check in checks:
        shares = [f"{value:.3f}" for value in (check.ratio, check.detector)]
        low, high = check.interval
        errors = [f"{check.error:+.3f}", f"[{low:+.3f}, {high:+.3f}]", f"{check.floor:.3f}"]
        counts = [str(check.replies), str(check.people)]
        cells = [f"{check.target:g}", f"{check.coefficient:g}", *counts, *shares, *errors]
        table.add_row(*cells, f"{check.degenerate:.2f}")
    Console().print(table)
    mean = f"mean distance {transfer.mean_error:.3f} (chance alone: {transfer.mean_floor:.3f})"
    trend = ""
    if transfer.slope is not None and transfer.slope_interval is not None:
        low, high = transfer.slope_interval
        trend = f", slope of the error over the target {transfer.slope:+.3f} [{low:+.3f}, {high:+.3f}]"
    typer.echo(f"{mean}, worst {transfer.worst_error:.3f}{trend}")


def _tried_table(calibration: "Calibration") -> Table:
    title = f"{calibration.situations} situations, {calibration.samples} replies each, layers {calibration.layers}"
    table = Table(*_COLUMNS, title=title)
    for tried in calibration.tried:
        seen = tried.behaviour
        shares = (seen.genuine, seen.marked, seen.pasted, seen.broken, seen.nats, seen.tokens, seen.openings)
        shares = (*shares, seen.coherent)
        cells = ["" if value is None else f"{value:.2f}" for value in shares]
        table.add_row(f"{tried.coefficient:g}", str(seen.replies), *cells, tried.outside or "")
    return table


def _counted_by(reader: "Trust | None") -> str:
    """Return whose ratios these are: the detector's, or a reader's."""
    if reader is None:
        return "ratios are the detector's; --labels corrects them by a reader"
    low, high = reader.interval()
    return (
        f"ratios are a reader's: of {reader.detected} detected questions {reader.precision:.0%} asked "
        f"[{low:.0%}, {high:.0%}], of {reader.pasted} other marks {reader.missed:.0%}"
    )
