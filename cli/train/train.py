"""`cocoon train`: LoRA fine-tuning; packing, merging, launch files, and the hand-over to LLaMA-Factory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cocoon.cli.terminal.options import Json, Right
from cocoon.cli.terminal.results import print_json, print_report, print_result
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.training.config import TRAIN, TrainConfig

if TYPE_CHECKING:
    from cocoon.api.training import TrainingPreview

app = typer.Typer(
    invoke_without_command=True, help="Train a supporter or a user on dialogues (LoRA); pack; merge; hand over."
)

PRESET = "A row of the paper's Table 3: paper-cocoon, paper-esconv, paper-smile, ..."


@app.callback()
@settings_of(TRAIN, preset=PRESET)
def train(
    context: typer.Context,
    given: Given[TrainConfig],
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder for the adapter; one that is there is resumed.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show one example with its trained parts marked, and all counts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a supporter or a user (LoRA). The same line again goes on from the last checkpoint."""
    if context.invoked_subcommand is not None:
        _refuse_before(context, context.invoked_subcommand)
        return

    from cocoon.api.training import fit_adapter, preview_of, train_config
    from cocoon.cli.terminal.results import resumable
    from cocoon.core.errors import CocoonError
    from cocoon.training.fit.folder import is_main

    config = train_config(given)
    if preview:
        if out is not None:
            raise CocoonError(f"--out {out}: --preview trains nothing and writes nothing. Leave one of them out.")
        _print_preview(preview_of(config), as_json)
        return
    if out is None:
        raise CocoonError("no folder to train into: give --out FOLDER (or --preview to look at the data first)")
    with resumable("stopped; the same command goes on from the last checkpoint"):
        trained = fit_adapter(config, out)
    if as_json and is_main():
        print_json({"out": str(out)} | trained.card.model_dump(mode="json"))


def _print_preview(preview: "TrainingPreview", as_json: bool) -> None:
    """Print one example with its trained parts marked, and the counts."""
    from cocoon.cli.terminal.terminal_text import printable
    from cocoon.reports.formats.json_value import to_json
    from cocoon.reports.tables.training import MARKS

    if as_json:
        print_json(to_json(preview.report) | {"example": preview.example})
        return
    typer.echo(f"one example; what is trained stands between {MARKS[0]} and {MARKS[1]}", err=True)
    typer.echo("\n".join(printable(line) for line in preview.example.split("\n")))
    typer.echo("")
    print_report(preview.report, as_json)


def _refuse_before(context: typer.Context, command: str) -> None:
    """Raise CocoonError for an option of the training itself, which a command after it would not see."""
    from cocoon.core.errors import CocoonError

    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            option = parameter.opts[-1]
            raise CocoonError(
                f"{option} before {command!r} would be lost. Write it after: cocoon train {command} {option} ..."
            )


@app.command("merge")
def merge_adapter(
    adapter: Annotated[Path, typer.Argument(help="The adapter's folder.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder for the merged model.")],
    base: Annotated[str | None, typer.Option(metavar="SPEC", help="Its base, where it is elsewhere now.")] = None,
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "bfloat16",
    as_json: Json = False,
) -> None:
    """Merge an adapter into its base, for vLLM and llama.cpp; quantised bases are refused."""
    from dataclasses import asdict

    from cocoon.training.adapters.merge import merge, read_dtype

    merged = merge(adapter, out, base.removeprefix("local:") if base else None, read_dtype(dtype))
    text = f"{merged.parameters:,} parameters in {merged.dtype} in {out}"
    print_result(asdict(merged), text, as_json)
    typer.echo(f"largest difference of a logit, merged against beside the base: {merged.change:.2g}", err=True)
    if merged.note:
        typer.echo(merged.note, err=True)


@app.command("pack")
def pack_adapter(
    adapter: Annotated[Path, typer.Argument(help="The adapter's folder.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder.")],
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16, which is half as large.")] = "bfloat16",
    as_json: Json = False,
) -> None:
    """Copy an adapter with its card to pass it on, without checkpoints."""
    from dataclasses import asdict

    from cocoon.training.adapters.merge import read_dtype
    from cocoon.training.adapters.pack import pack

    packed = pack(adapter, out, read_dtype(dtype))
    print_result(asdict(packed), f"{packed.bytes / 1e6:.1f} MB in {packed.dtype} in {out}", as_json)


@app.command("llama-factory")
@settings_of(TRAIN, preset=PRESET)
def llama_factory(
    out: Annotated[Path, typer.Option("--out", help="A new folder for dataset, dataset_info.json and train.yaml.")],
    given: Given[TrainConfig],
    template: Annotated[str, typer.Option(help="LLaMA-Factory's name of the template.")] = "llama3",
    i_have_the_right: Right = False,
    as_json: Json = False,
) -> None:
    """Hand the same dialogues, split and settings to LLaMA-Factory; README.md there tells what will differ."""
    from dataclasses import asdict

    from cocoon.api.training import train_config
    from cocoon.training.llama_factory import hand_over

    handed = hand_over(train_config(given), template, out, i_have_the_right=i_have_the_right)
    sides = f"{handed.train} dialogues to train on, {handed.validation} to validate"
    print_result(asdict(handed), f"{sides}, in {out}; {out}/README.md tells more", as_json)


@app.command("launch")
def launch_file(
    kind: Annotated[str, typer.Argument(help="ddp (each GPU holds the base) or fsdp (the base is spread).")],
) -> None:
    """Print the path of a configuration for `accelerate launch --config_file`."""
    from cocoon.training.config import launch_file as path_of

    typer.echo(path_of(kind))
