"""`cocoon corpus`: dialogues from elsewhere made ours, counted, and exported for training elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cocoon.cli.terminal.options import Force, Json, Limit, Map, RecordsOut, Right, Roles, SkipUnreadable
from cocoon.cli.terminal.results import print_json, print_repairs, print_report, print_result

if TYPE_CHECKING:
    from cocoon.corpora.loaders.tables.mapped import ColumnMap

app = typer.Typer(no_args_is_help=True, help="Import corpora of dialogues, count them, export them.")

Name = Annotated[
    str, typer.Argument(help="The corpus, such as smile (`cocoon corpus list` names all), or python:FILE.py:NAME.")
]
Form = Literal["messages", "parquet", "sharegpt", "dpo", "kto"]
File = Annotated[Path, typer.Argument(help="Its file, or its folder where it comes as many files.")]


def _column_map(columns: list[str] | None, roles: list[str] | None) -> "ColumnMap | None":
    if not columns and not roles:
        return None
    from cocoon.corpora.loaders.tables.mapped import ColumnMap

    return ColumnMap.parse(columns or [], roles or [])


@app.command("list")
def list_corpora(as_json: Json = False) -> None:
    """Name every corpus that can be read, with its licence and what it lets others pass on."""
    from dataclasses import asdict

    from cocoon.corpora.layouts import CORPORA

    if as_json:
        print_json([asdict(corpus) for corpus in CORPORA.values()])
        return
    for corpus in CORPORA.values():
        typer.echo(f"{corpus.name:19} {corpus.about}; licence: {corpus.licence} ({corpus.redistribution})")


@app.command("import")
def import_corpus(
    name: Name,
    file: File,
    out: RecordsOut,
    columns: Map = None,
    roles: Roles = None,
    skip_unreadable: SkipUnreadable = False,
    limit: Limit = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Read a corpus and write its dialogues as ours, with a ledger of all that was not taken over beside them.

    `table` reads any file of dialogues: a form that it knows by itself, any other table by --map and --roles.
    """
    from cocoon.corpora.imports import import_corpus_file, ledger_path

    mapped = _column_map(columns, roles)
    report = import_corpus_file(name, file, out, limit, column_map=mapped, skip_unreadable=skip_unreadable, force=force)
    print_repairs(report)
    if as_json:
        ledger = report.ledger()
        examples = ledger.pop("notes")
        print_json(ledger | {"examples": examples, "out": str(out), "ledger": str(ledger_path(out))})


@app.command("identify")
def identify_file(file: File, as_json: Json = False) -> None:
    """Say what a file of dialogues is, and with which command it is read."""
    from cocoon.corpora.identify import identify, unread_advice

    identified = identify(file)
    plain = {"file": str(identified.file), "corpus": identified.layout, "about": identified.about}
    print_result(plain, unread_advice(file), as_json)


@app.command("stats")
def corpus_stats(
    name: Name,
    file: File,
    columns: Map = None,
    roles: Roles = None,
    skip_unreadable: SkipUnreadable = False,
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
    mapped = _column_map(columns, roles)
    reading = read_corpus(name, file, limit, column_map=mapped, skip_unreadable=skip_unreadable)
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
        reason = "they have no such preference" if form in ("dpo", "kto") else "without an answer nothing remains"
        typer.echo(f"{left_out} dialogues left out: {reason}", err=True)
    plain = {"out": str(target), "dialogues": number, "turns": exported.turns, "left_out": left_out}
    print_result(plain, f"{number} dialogues in {target}; card: {out}/README.md", as_json)
