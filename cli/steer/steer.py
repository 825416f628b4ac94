"""`cocoon steer`: the questioning direction: pairs, extraction, calibration, the study, and other programs' formats."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.steer.pairs import pairs
from cocoon.cli.steer.sweep import sweep
from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.unused import refuse_unused

app = typer.Typer(help="Steer how often a local supporter asks.", no_args_is_help=True)
app.command()(pairs)

Model = Annotated[str, typer.Option(metavar="SPEC", help="local:BASE[+adapter=PATH].")]
DirectionFile = Annotated[Path, typer.Option("--direction", help="What `cocoon steer extract` wrote.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="Most tokens of one reply.")]
Seed = Annotated[int, typer.Option(help="Of the replies that are drawn.")]
Output = Annotated[Path, typer.Option("-o", "--out", help="The file to write.")]


@app.command()
def extract(
    model: Model,
    out: Output,
    pairs: Annotated[str, typer.Option(help="Pairs: a JSONL file, shipped:en or shipped:zh.")] = "shipped:en",
    kind: Annotated[
        str | None, typer.Option(help="instruction (default): before the reply; reply: question against statement.")
    ] = None,
    position: Annotated[
        str | None, typer.Option(help="reply pairs: mean, first or last; instruction pairs: prompt.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="mean (default), pca_diff, pca_center or probe.")] = None,
    layers: Annotated[str | None, typer.Option(help="Read only these, such as 0-24 (default: all).")] = None,
    band: Annotated[
        str | None,
        typer.Option(help="Steer these, such as 16-24 (default: a small test chooses; minutes on a small model)."),
    ] = None,
    choose: Annotated[
        str | None, typer.Option(help="Situations for that test; default: the shipped ones of the pairs' language.")
    ] = None,
    replies: Annotated[
        int, typer.Option(min=1, help="Replies to each situation, band and dose of that test; fewer are quicker.")
    ] = 3,
    at: Annotated[
        str | None,
        typer.Option(
            help="Steer at every token, or at starts of sentences; default: by the kind, reply or instruction."
        ),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="paper: reply pairs (appendix F.2).")] = None,
    max_tokens: MaxTokens = 64,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Read a direction from pairs and choose the layers that it works in."""
    import json

    from cocoon.api.reporter import Reporter
    from cocoon.api.steering import extract as run
    from cocoon.cli.steer.tables import print_extraction

    if band is not None:
        tested = {"--choose": choose, "--replies": replies if replies != 3 else None}
        refuse_unused(tested, (), "with --band, which is chosen already")
    extracted = run(
        model=model,
        out=out,
        pairs=pairs,
        kind=kind,
        position=position,
        method=method,
        layers=layers,
        band=band,
        choose=choose,
        replies=replies,
        at=at,
        preset=preset,
        max_tokens=max_tokens,
        seed=seed,
    )
    if as_json:
        typer.echo(json.dumps({"direction": str(out), **extracted.extraction.model_dump()}))
    else:
        print_extraction(extracted.extraction)
    typer.echo(f"written: {out}, {extracted.report}", err=True)
    Reporter().next(f"cocoon steer calibrate --model {model} --direction {out} --ratio 0.3")


@app.command()
def calibrate(
    model: Model,
    direction: DirectionFile,
    ratio: Annotated[list[float], typer.Option(help="Share of replies that ask, 0 to 1; may be given several times.")],
    situations: Annotated[
        str | None, typer.Option(help="A JSONL file of situations, profiles or dialogues; default: shipped ones.")
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", help="At most so many situations.", min=8)] = 80,
    samples: Annotated[int, typer.Option(min=1, help="Replies to each situation and coefficient.")] = 2,
    max_tokens: MaxTokens = 64,
    seed: Seed = 0,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Go on though situations stand in the direction's pairs too.")
    ] = False,
    mode: Annotated[str, typer.Option(help="add, norm or ablate, as in +mode=.")] = "add",
    tokens: Annotated[str, typer.Option(help="reply, replies, prompt or both, as in +tokens=.")] = "reply",
    at: Annotated[
        str | None, typer.Option(help="every or starts, as in +at=; default: what the direction was made for.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Replies that a reader labelled, by which ratios are corrected: shipped:en, or a file."),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the whole calibration there.")] = None,
    as_json: Json = False,
) -> None:
    """Find the coefficient at which so large a share of the replies has a genuine question."""
    import json

    from cocoon.api.steering import calibrate as run
    from cocoon.cli.steer.tables import print_calibration

    calibrated = run(
        model=model,
        direction=direction,
        ratio=ratio,
        out=out,
        situations=situations,
        limit=limit,
        samples=samples,
        max_tokens=max_tokens,
        seed=seed,
        allow_overlap=allow_overlap,
        mode=mode,
        tokens=tokens,
        at=at,
        labels=labels,
    )
    calibration = calibrated.calibration
    if as_json:
        first = calibration.found[0].model_dump()
        typer.echo(json.dumps({**first, "overlap": calibrated.overlap, **calibration.model_dump()}))
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
