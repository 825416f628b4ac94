"""`cocoon corpus`: dialogues from elsewhere made ours, counted, and exported for training elsewhere."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cocoon.cli.terminal.options import Json

if TYPE_CHECKING:
    from cocoon.corpora.reading.repair import RepairReport

app = typer.Typer(no_args_is_help=True, help="Import corpora of dialogues, count them, export them.")

Name = Annotated[
    str, typer.Argument(help="The corpus, such as smile (`cocoon corpus list` names all), or python:FILE.py:NAME.")
]
Form = Literal["messages", "parquet", "sharegpt"]
File = Annotated[Path, typer.Argument(help="Its file, or its folder where it comes as many files.")]
Limit = Annotated[
    int | None, typer.Option("-n", "--limit", min=1, max=1_000_000_000, help="Only the first N dialogues.")
]


@app.command("list")
def list_corpora(as_json: Json = False) -> None:
    """Name every corpus that can be read, with its licence and what it lets others pass on."""
    from dataclasses import asdict

    from cocoon.corpora.dialogue_loaders import CORPORA

    if as_json:
        typer.echo(json.dumps([asdict(corpus) for corpus in CORPORA.values()], ensure_ascii=False))
        return
    for corpus in CORPORA.values():
        typer.echo(f"{corpus.name:14} {corpus.about}; licence: {corpus.licence} ({corpus.redistribution})")


@app.command("import")
def import_corpus(
    name: Name,
    file: File,
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the dialogues go, one a line.")],
    limit: Limit = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output file if it is there.")] = False,
    as_json: Json = False,
) -> None:
    """Read a corpus and write its dialogues as ours. What was done to them is printed on stderr."""
    from cocoon.corpora.imports import import_corpus_file

    report = import_corpus_file(name, file, out, limit, force=force)
    _print_repairs(report)
    if as_json:
        typer.echo(json.dumps(_plain(report) | {"out": str(out)}, ensure_ascii=False))


@app.command("stats")
def corpus_stats(
    name: Name,
    file: File,
    limit: Limit = None,
    like: Annotated[str | None, typer.Option(metavar="TABLE", help="table1: beside the paper's own figures.")] = None,
    as_json: Json = False,
) -> None:
    """Count a corpus: dialogues, turns by the paper's counting, thoughts, strategies, scenarios, languages."""
    from cocoon.core.errors import CocoonError
    from cocoon.corpora.dialogue_loaders import read_corpus
    from cocoon.evaluation.text.corpora import corpus_figures
    from cocoon.reports.formats.json_value import to_json
    from cocoon.reports.formats.markdown import render_markdown
    from cocoon.reports.tables.corpora import figures_report

    if like not in (None, "table1"):
        raise CocoonError(f"--like {like!r}: corpora are counted like table1")
    reading = read_corpus(name, file, limit)
    figures = corpus_figures(reading.dialogues)
    _print_repairs(reading.report)
    report = figures_report({name: figures}, like=like is not None)
    if not as_json:
        typer.echo(render_markdown(report))
        return
    plain = to_json(report) if like else figures.model_dump(mode="json") | {"repairs": reading.report.counts}
    typer.echo(json.dumps(plain, ensure_ascii=False))


@app.command("export")
def export_dialogues(
    file: Annotated[Path, typer.Argument(help="A dialogues.jsonl of ours.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder for the data and its card.")],
    form: Annotated[Form, typer.Option("--format", help="The layout of the data.")] = "messages",
    thoughts: Annotated[
        Literal["none", "inline"], typer.Option(help="inline: analysis and strategy before the reply.")
    ] = "none",
    i_have_the_right: Annotated[
        bool, typer.Option("--i-have-the-right", help="Export text whose licence does not let it be passed on.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files of the folder that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Export for training elsewhere, with a dataset card; text that may not be passed on is refused."""
    from cocoon.corpora.export.export import FILES, export_corpus

    exported = export_corpus(file, form, out, thoughts, i_have_the_right=i_have_the_right, force=force)
    target, number, left_out = out / FILES[form], exported.dialogues - exported.left_out, exported.left_out
    if left_out:
        typer.echo(f"{left_out} dialogues left out: without an answer of the supporter nothing remains", err=True)
    plain = {"out": str(target), "dialogues": number, "turns": exported.turns, "left_out": left_out}
    typer.echo(json.dumps(plain) if as_json else f"{number} dialogues in {target}; card: {out}/README.md")


def _plain(report: "RepairReport") -> dict[str, object]:
    notes = [note.model_dump(mode="json") for note in report.notes]
    return {"read": report.read, "kept": report.kept, "repairs": report.counts, "examples": notes}


def _print_repairs(report: "RepairReport") -> None:
    typer.echo(report.summary(), err=True)
    for note in report.notes:
        typer.echo(f"  {note.repair}: {note.where}, {note.key}: {note.reason}", err=True)
    hidden = sum(report.counts.values()) - len(report.notes)
    if hidden > 0:
        typer.echo(f"  ... and {hidden} more of the same kinds", err=True)
