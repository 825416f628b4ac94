"""`cocoon human`: people rate, compare and talk with simulated users, blind, and the report of it."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json

app = typer.Typer(no_args_is_help=True, help="Studies with people: rating, comparison, live chat; all on this machine.")

StudyFile = Annotated[Path, typer.Argument(help="The study (YAML); see docs/how-to/human.md.")]
Out = Annotated[Path, typer.Option("--out", help="The study's folder: answers and chats.")]


@app.command("serve")
def serve_study_command(
    study: StudyFile,
    out: Out,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8700,
) -> None:
    """Serve the rating page on 127.0.0.1 until Ctrl-C; prints one link a rater. The same line goes on."""
    from cocoon.api.reporter import say
    from cocoon.cli.terminal.results import print_until_stopped
    from cocoon.human.service import serve_study

    def announce(links: dict[str, str]) -> None:
        for rater, link in links.items():
            typer.echo(f"{rater}\t{link}")
        say("each link is one rater's alone; Ctrl-C ends, the same command goes on")

    ending = "stopped; every answer is saved, and the same command goes on"
    print_until_stopped(serve_study(study, out, port, say), announce, ending)


@app.command("report")
def human_report_command(
    study: StudyFile,
    out: Out,
    run: Annotated[Path | None, typer.Option(help="A run whose judges rated the same dialogues (Table 10).")] = None,
    ablation: Annotated[Path | None, typer.Option(help="A folder of `cocoon ablate` (Figure 5).")] = None,
    as_json: Json = False,
) -> None:
    """Agreement of the raters, people against judges, preferences; written into the study's folder."""
    from cocoon.cli.terminal.results import print_report
    from cocoon.human.report import write_human_report
    from cocoon.studies.ablation.compare import choices_of

    print_report(write_human_report(study, out, run, choices_of(ablation) if ablation else []), as_json)
    typer.echo(f"written: {out}/human.md, human.html, tables/", err=True)


@app.command("export")
def export_answers(
    study: StudyFile,
    out: Out,
    csv: Annotated[Path | None, typer.Option(help="Write every answer there.")] = None,
    potato: Annotated[Path | None, typer.Option(help="Write configurations for Potato into that folder.")] = None,
    chats: Annotated[Path | None, typer.Option(help="Write the chats there as the conditions of an ablation.")] = None,
) -> None:
    """Answers as CSV, chats as dialogues by condition, or the study for Potato (a separate program)."""
    from cocoon.core.jsonl import write_whole
    from cocoon.human.potato.configuration import write_potato
    from cocoon.human.results import to_csv, write_chats
    from cocoon.human.service import open_study

    if csv is None and potato is None and chats is None:
        raise typer.BadParameter("give --csv FILE, --chats FOLDER or --potato FOLDER")
    material, store = open_study(study, out, started=potato is None)
    if csv is not None:
        write_whole(csv, [to_csv(store.every_answer()).encode()])
        typer.echo(f"written: {csv}", err=True)
    if potato is not None:
        for file in write_potato(material, store.secret, potato):
            typer.echo(f"written: {file}", err=True)
    if chats is not None:
        for file in write_chats(store, chats):
            typer.echo(f"written: {file}", err=True)


@app.command("import")
def import_answers(
    study: StudyFile,
    file: Annotated[Path, typer.Argument(help="CSV as exported, or the folder of Potato's configurations.")],
    out: Out,
) -> None:
    """Take answers from CSV or from Potato; nothing is taken unless all can be read and none changes another."""
    from cocoon.human.potato.answers import from_potato
    from cocoon.human.results import take_csv
    from cocoon.human.service import open_study

    material, store = open_study(study, out)
    number = from_potato(file, store, material) if file.is_dir() else take_csv(file, store, material)
    typer.echo(f"{number} answers taken", err=True)


@app.command("rated")
def take_ratings(
    run: Annotated[Path, typer.Argument(help="The run whose dialogues people rated.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV, JSON of Argilla, or the answers of Potato (a folder).")
    ],
    names: Annotated[
        str | None, typer.Option("--map", metavar="NAME=COLUMN,...", help="dialogue=, rater=, comfort:1=, ...")
    ] = None,
    scale_file: Annotated[list[Path] | None, typer.Option(help="A scale of your own. Repeatable.")] = None,
) -> None:
    """Take ratings that people gave elsewhere, so that `cocoon report RUN` holds the judges against them."""
    from cocoon.human.imported import import_ratings, read_names

    number = import_ratings(run, files, read_names(names or ""), scale_file or [])
    typer.echo(f"{number} ratings taken; `cocoon report {run}` holds the judges against them", err=True)
