"""`cocoon corpus`: dialogues from elsewhere made ours, counted, and exported for training elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cocoon.cli.terminal.options import Force, Json, Limit, RecordsOut, Right
from cocoon.cli.terminal.results import print_json, print_repairs, print_report, print_result

app = typer.Typer(no_args_is_help=True, help="Import corpora of dialogues, count them, export them.")

Name = Annotated[
    str, typer.Argument(help="The corpus, such as smile (`cocoon corpus list` names all), or python:FILE.py:NAME.")
]
Form = Literal["messages", "parquet", "sharegpt"]
File = Annotated[Path, typer.Argument(help="Its file, or its folder where it comes as many files.")]


@app.command("list")
def list_corpora(as_json: Json = False) -> None:
    """Name every corpus that can be read, with its licence and what it lets others pass on."""
    from dataclasses import asdict

    from cocoon.corpora.dialogue_loaders import CORPORA

    if as_json:
        print_json([asdict(corpus) for corpus in CORPORA.values()])
        return
    for corpus in CORPORA.values():
        typer.echo(f"{corpus.name:14} {corpus.about}; licence: {corpus.licence} ({corpus.redistribution})")


@app.command("import")
def import_corpus(
    name: Name, file: File, out: RecordsOut, limit: Limit = None, force: Force = False, as_json: Json = False
) -> None:
    """Read a corpus and write its dialogues as ours. What was done to them is printed on stderr."""
    from cocoon.corpora.imports import import_corpus_file

    report = import_corpus_file(name, file, out, limit, force=force)
    print_repairs(report)
    if as_json:
        notes = [note.model_dump(mode="json") for note in report.notes]
        plain = {"read": report.read, "kept": report.kept, "repairs": report.counts, "examples": notes}
        print_json(plain | {"out": str(out)})


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
    from cocoon.reports.tables.corpora import figures_report

    if like not in (None, "table1"):
        raise CocoonError(f"--like {like!r}: corpora are counted like table1")
    reading = read_corpus(name, file, limit)
    figures = corpus_figures(reading.dialogues)
    print_repairs(reading.report)
    if as_json and not like:
        print_json(figures.model_dump(mode="json") | {"repairs": reading.report.counts})
    else:
        print_report(figures_report({name: figures}, like=like is not None), as_json)


@app.command("export")
def export_dialogues(
    file: Annotated[Path, typer.Argument(help="A dialogues.jsonl of ours.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder for the data and its card.")],
    form: Annotated[Form, typer.Option("--format", help="The layout of the data.")] = "messages",
    thoughts: Annotated[
        Literal["none", "inline"], typer.Option(help="inline: analysis and strategy before the reply.")
    ] = "none",
    i_have_the_right: Right = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Export for training elsewhere, with a dataset card; text that may not be passed on is refused."""
    from cocoon.corpora.export.export import FILES, export_corpus

    exported = export_corpus(file, form, out, thoughts, i_have_the_right=i_have_the_right, force=force)
    target, number, left_out = out / FILES[form], exported.dialogues - exported.left_out, exported.left_out
    if left_out:
        typer.echo(f"{left_out} dialogues left out: without an answer of the supporter nothing remains", err=True)
    plain = {"out": str(target), "dialogues": number, "turns": exported.turns, "left_out": left_out}
    print_result(plain, f"{number} dialogues in {target}; card: {out}/README.md", as_json)
