"""`cocoon train`: LoRA fine-tuning of a supporter; its merging, its launch files, its hand-over to LLaMA-Factory."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cocoon.cli.terminal.options import Config, Json, Options

app = typer.Typer(invoke_without_command=True, help="Train a supporter on dialogues (LoRA); merge; hand over.")

PresetName = Annotated[
    str | None, typer.Option(help="A row of the paper's Table 3: paper-cocoon, paper-esconv, paper-smile, ...")
]
Dialogues = Annotated[
    list[str] | None, typer.Option(metavar="FILE", help="A dialogues.jsonl (see `cocoon corpus import`). Repeatable.")
]


@app.callback()
def train(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder for the adapter; one that is there is resumed.")
    ] = None,
    base: Annotated[str | None, typer.Option(metavar="SPEC", help="local:NAME-OR-PATH, a chat model.")] = None,
    dialogues: Dialogues = None,
    thoughts: Annotated[str | None, typer.Option(help="inline: analysis and strategy before each reply; none.")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="The system prompt it will speak under: brief, listen, plain, your own.")
    ] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens of a dialogue; the rest is cut after a reply.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Stop after so many optimiser steps.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the dialogues.")] = None,
    evaluate_every: Annotated[
        int | None, typer.Option(help="Steps between validations; otherwise once an epoch.")
    ] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after so many validations without a better loss.")] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option(metavar="PROFILES", help="Profiles to evaluate on; their dialogues are left out."),
    ] = None,
    no_larger_than: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Draw as many dialogues as the largest of these has.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the split, the draw, the order and the adapter.")] = None,
    preset: PresetName = None,
    config: Config = None,
    options: Options = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show one example with its trained parts marked, and all counts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a supporter (LoRA). The same line again goes on from the last checkpoint."""
    if context.invoked_subcommand is not None:
        return
    import json

    from cocoon.api.training import preview_training
    from cocoon.api.training import train as run
    from cocoon.cli.terminal.results import resumable
    from cocoon.cli.train.preview import print_preview
    from cocoon.core.errors import CocoonError
    from cocoon.training.fit.folder import is_main

    settings: dict[str, Any] = {
        "base": base,
        "dialogues": dialogues,
        "thoughts": thoughts,
        "prompt": prompt,
        "max_length": max_length,
        "held_out": held_out,
        "no_larger_than": no_larger_than,
        "max_steps": max_steps,
        "epochs": epochs,
        "evaluate_every": evaluate_every,
        "patience": patience,
        "seed": seed,
        "preset": preset,
        "config": config,
        "options": options or (),
    }
    if preview:
        print_preview(preview_training(**settings), as_json)
        return
    if out is None:
        raise CocoonError("no folder to train into: give --out FOLDER (or --preview to look at the data first)")
    with resumable("stopped; the same command goes on from the last checkpoint"):
        trained = run(out=out, **settings)
    if as_json and is_main():
        typer.echo(json.dumps({"out": str(out)} | trained.card.model_dump(mode="json"), ensure_ascii=False))


@app.command("merge")
def merge_adapter(
    adapter: Annotated[Path, typer.Argument(help="The adapter's folder.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder for the merged model.")],
    base: Annotated[str | None, typer.Option(metavar="SPEC", help="Its base, where it is elsewhere now.")] = None,
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "bfloat16",
    as_json: Json = False,
) -> None:
    """Merge an adapter into its base, for vLLM and llama.cpp; quantised bases are refused."""
    import json
    from dataclasses import asdict

    from cocoon.training.adapters.merge import merge, read_dtype

    merged = merge(adapter, out, base.removeprefix("local:") if base else None, read_dtype(dtype))
    text = f"{merged.parameters:,} parameters in {merged.dtype} in {out}"
    typer.echo(json.dumps(asdict(merged)) if as_json else text)
    typer.echo(f"largest difference of a logit, merged against beside the base: {merged.change:.2g}", err=True)
    if merged.note:
        typer.echo(merged.note, err=True)


@app.command("llama-factory")
def llama_factory(
    out: Annotated[Path, typer.Option("--out", help="A new folder for dataset, dataset_info.json and train.yaml.")],
    dialogues: Dialogues = None,
    template: Annotated[str, typer.Option(help="LLaMA-Factory's name of the template.")] = "llama3",
    preset: PresetName = None,
    config: Config = None,
    options: Options = None,
    i_have_the_right: Annotated[
        bool, typer.Option("--i-have-the-right", help="Write text whose licence does not let it be passed on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Hand the same dialogues, split and settings to LLaMA-Factory; README.md there tells what will differ."""
    import json
    from dataclasses import asdict

    from cocoon.api.training import train_config
    from cocoon.training.llama_factory import hand_over

    settings = train_config(dialogues=dialogues, preset=preset, config=config, options=options or ())
    handed = hand_over(settings, template, out, i_have_the_right=i_have_the_right)
    sides = f"{handed.train} dialogues to train on, {handed.validation} to validate"
    typer.echo(json.dumps(asdict(handed)) if as_json else f"{sides}, in {out}; {out}/README.md tells more")


@app.command("launch")
def launch_file(
    kind: Annotated[str, typer.Argument(help="ddp (each GPU holds the base) or fsdp (the base is spread).")],
) -> None:
    """Print the path of a configuration for `accelerate launch --config_file`."""
    from cocoon.training.config import launch_file as path_of

    typer.echo(path_of(kind))
