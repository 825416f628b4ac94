"""`cocoon steer`: the questioning direction: pairs, extraction, calibration, the study, and other programs' formats."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.building import pairs
from cocoon.cli.steer.sweep import sweep
from cocoon.cli.terminal.options import Json, refuse_unused
from cocoon.cli.terminal.results import print_json
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.steering.calibration.on_situations import CALIBRATE, CalibrateConfig
from cocoon.steering.directions.from_pairs import EXTRACT, ExtractConfig

app = typer.Typer(help="Steer how often a local supporter asks.", no_args_is_help=True)
app.command()(pairs)

Model = Annotated[str, typer.Option(metavar="SPEC", help="local:BASE[+adapter=PATH].")]
DirectionFile = Annotated[Path, typer.Option("--direction", help="What `cocoon steer extract` wrote.")]
Output = Annotated[Path, typer.Option("-o", "--out", help="The file to write.")]


@app.command()
@settings_of(EXTRACT, sources=False)
def extract(model: Model, out: Output, given: Given[ExtractConfig], as_json: Json = False) -> None:
    """Read a direction from pairs and choose the layers that it works in."""
    from cocoon.api.reporter import Reporter
    from cocoon.api.steering import extract as run
    from cocoon.cli.steer.tables import print_extraction

    if given.keywords["band"] is not None:
        unused = {"--choose": given.keywords["choose"], "--replies": given.keywords["replies"]}
        refuse_unused(unused, (), "with --band, which is chosen already")
    extracted = run(model=model, out=out, progress=True, **given.keywords)
    if as_json:
        print_json({"direction": str(out), **extracted.extraction.model_dump()})
    else:
        print_extraction(extracted.extraction)
    typer.echo(f"written: {out}, {extracted.report}", err=True)
    Reporter().next(f"cocoon steer calibrate --model {model} --direction {out} --ratio 0.3")


@app.command()
@settings_of(CALIBRATE, sources=False)
def calibrate(
    model: Model,
    direction: DirectionFile,
    ratio: Annotated[list[float], typer.Option(help="Share of replies that ask, 0 to 1; may be given several times.")],
    given: Given[CalibrateConfig],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the whole calibration there.")] = None,
    as_json: Json = False,
) -> None:
    """Find the coefficient at which so large a share of the replies has a genuine question."""
    from cocoon.api.steering import calibrate as run
    from cocoon.cli.steer.tables import print_calibration

    calibrated = run(model=model, direction=direction, ratio=ratio, out=out, progress=True, **given.keywords)
    calibration = calibrated.calibration
    if as_json:
        first = calibration.found[0].model_dump()
        print_json({**first, "overlap": calibrated.overlap, **calibration.model_dump()})
        return
    print_calibration(calibrated)
    typer.echo(f"use it: {calibrated.spec}", err=True)


app.command()(sweep)


@app.command()
def export(
    direction: DirectionFile,
    out: Output,
    model_type: Annotated[str, typer.Option(help="A hint for readers, such as llama.")] = "llama",
) -> None:
    """Write a direction as a GGUF control vector for llama.cpp and repeng; its scale is the coefficient."""
    from cocoon.api.vectors import export_vector
    from cocoon.steering.directions.direction import Direction

    layers = export_vector(direction, out=out, model_type=model_type)
    if Direction.load(direction).card.at == "starts":
        typer.echo(
            "made for the starts of sentences; a control vector is added to every token: calibrate with --at every "
            "--tokens both",
            err=True,
        )
    typer.echo(
        f"{out}: layers {layers[0]} to {layers[-1]}; llama-server --control-vector-scaled {out.name}:0.04", err=True
    )


@app.command("import")
def import_vector(
    file: Annotated[Path, typer.Argument(help="A GGUF control vector of repeng or llama.cpp.")],
    model: Model,
    out: Output,
    kind: Annotated[str, typer.Option(help="What it was read from: reply or instruction.")] = "reply",
    at: Annotated[str, typer.Option(help="Steer at every token, as other programs do, or at starts of sentences.")] = (
        "every"
    ),
) -> None:
    """Read a GGUF control vector; the residual norms that it lacks are measured on the model."""
    from cocoon.api.vectors import import_vector as run

    imported = run(file, model=model, out=out, kind=kind, at=at)
    typer.echo(f"{out}: {len(imported.layers)} layers; calibrate it before use", err=True)


@app.command()
def fold(
    model: Annotated[
        str, typer.Option(metavar="SPEC", help="local:BASE+steer=PATH:COEF+tokens=both+at=every (a Llama).")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write.")],
) -> None:
    """Write a checkpoint with the direction in its biases, for servers that know no steering (vLLM, SGLang)."""
    from cocoon.api.vectors import fold as run

    run(model, out=out)
    typer.echo(f"{out}: serve it as any checkpoint; it steers every token, the prompt's too", err=True)
