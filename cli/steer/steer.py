"""`cocoon steer`: the questioning direction: pairs, extraction, calibration, the study, and other programs' formats."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cocoon.cli.steer.pairs import pairs
from cocoon.cli.steer.sweep import sweep
from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.unused import refuse_unused

app = typer.Typer(help="Steer how often a local supporter asks.", no_args_is_help=True, rich_markup_mode=None)
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
        str | None, typer.Option(help="Steer these, such as 16-24; default: chosen by a small test.")
    ] = None,
    choose: Annotated[
        str | None, typer.Option(help="Situations for that test; default: the shipped ones of the pairs' language.")
    ] = None,
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
    from cocoon.cli.steer.run import ExtractOptions, run_extract

    if band is not None:
        refuse_unused({"--choose": choose}, (), "with --band, which is chosen already")

    run_extract(
        ExtractOptions(model, out, pairs, kind, position, method, layers, band, choose, preset, max_tokens, seed, at),
        as_json,
    )


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
    from cocoon.cli.steer.run import CalibrateOptions, run_calibrate

    given = CalibrateOptions(
        *(model, direction, ratio, situations, limit, samples, max_tokens, seed, allow_overlap, out, labels),
        *(mode, tokens, at),
    )
    run_calibrate(given, as_json)


app.command()(sweep)


@app.command()
def export(
    direction: DirectionFile,
    out: Output,
    model_type: Annotated[str, typer.Option(help="A hint for readers, such as llama.")] = "llama",
) -> None:
    """Write a direction as a GGUF control vector for llama.cpp and repeng; its scale is the coefficient."""
    from cocoon.steering.directions.control_vector import save_control_vector
    from cocoon.steering.directions.direction import Direction

    made = Direction.load(direction)
    layers = save_control_vector(made, out, model_type)
    if made.card.at == "starts":
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
    from cocoon.cli.steer.run import one_of, opened
    from cocoon.steering.directions.control_vector import load_control_vector

    one_of("--kind", kind, ("reply", "instruction"))
    one_of("--at", at, ("every", "starts"))
    chosen: Any = {"kind": kind, "at": at}
    with opened(model) as weights:
        made = load_control_vector(file, weights, **chosen).save(out)
    typer.echo(f"{out}: {len(made.layers)} layers; calibrate it before use", err=True)


@app.command()
def fold(
    model: Annotated[
        str, typer.Option(metavar="SPEC", help="local:BASE+steer=PATH:COEF+tokens=both+at=every (a Llama).")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write.")],
) -> None:
    """Write a checkpoint with the direction in its biases, for servers that know no steering (vLLM, SGLang)."""
    from cocoon.models.by_name import open_local
    from cocoon.running.local_parts import local_parts
    from cocoon.steering.control.control import Control
    from cocoon.steering.control.fold import save_folded

    kind, _, rest = model.partition(":")
    if kind != "local":
        raise typer.BadParameter("only a local model can be folded: local:BASE+steer=PATH:COEF+tokens=both+at=every")
    chat = open_local(rest, local_parts(), {})
    if not isinstance(chat.control, Control):
        raise typer.BadParameter("the model names no direction; add +steer=PATH:COEF+tokens=both+at=every")
    save_folded(chat.weights.network, chat.weights.tokenizer, chat.control, chat.coefficient, out)
    typer.echo(f"{out}: serve it as any checkpoint; it steers every token, the prompt's too", err=True)
