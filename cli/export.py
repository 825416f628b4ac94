"""`cocoon export`: a run for other programs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cocoon.cli.terminal.options import Force, Right, ScaleFiles, refuse_unused

if TYPE_CHECKING:
    from cocoon.running.reading.reader import RunReader

Kind = Literal["inspect", "otel", "tables", "messages", "preferences"]
Thoughts = Literal["none", "inline"]
# What each kind has a use for beside -o and --force.
_USED: dict[Kind, tuple[str, ...]] = {
    "inspect": ("--scale",),
    "otel": ("--endpoint", "--content"),
    "tables": ("--format", "--scale"),
    "messages": ("--format", "--thoughts", "--i-have-the-right"),
    "preferences": ("--format", "--thoughts", "--i-have-the-right"),
}

Out = Annotated[Path | None, typer.Option("-o", "--out", metavar="PATH", help="The file or folder to write.")]


def export_command(
    run: Annotated[Path, typer.Argument(help="A run folder, or a JSONL file of dialogues.")],
    to: Annotated[Kind, typer.Option("--to", help="The other program's format.")],
    out: Out = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="otel: send to this OTLP/HTTP endpoint instead of writing.")
    ] = None,
    content: Annotated[bool, typer.Option("--content", help="otel: prompts, replies and profiles too.")] = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="tables: csv, parquet; messages: messages (JSONL), parquet; preferences: dpo, kto."
        ),
    ] = None,
    thoughts: Annotated[
        Thoughts | None,
        typer.Option(help="messages, preferences: inline before the supporter's replies (default: none)."),
    ] = None,
    i_have_the_right: Right = False,
    scale: ScaleFiles = None,
    force: Force = False,
) -> None:
    """Write a run for another program.

    inspect: a log for `inspect view` (-o FILE.eval or a folder). otel: OpenTelemetry spans without their text, as
    JSON lines (-o FILE) or to --endpoint. tables: dialogues, turns, items, ratings, calls, failures (-o FOLDER).
    messages: Hugging Face chat messages with a dataset card (-o FOLDER). preferences: talks, or futures of `cocoon
    branch`, that found the need beside those that did not, for TRL's DPO or KTO (-o FOLDER).
    """
    from cocoon.running.reading.reader import RunReader

    kinds: dict[str, Callable[[RunReader], None]] = {
        "inspect": lambda reader: _inspect(reader, _needed(out), force),
        "otel": lambda reader: _otel(reader, out, endpoint, content, force),
        "tables": lambda reader: _tables(reader, _needed(out), form or "csv", force),
        "messages": lambda reader: _messages(
            reader, _needed(out), form or "messages", thoughts or "none", i_have_the_right, force
        ),
        "preferences": lambda _: _preferences(
            run, _needed(out), form or "dpo", thoughts or "none", i_have_the_right, force
        ),
    }
    given = {"--endpoint": endpoint, "--content": content, "--format": form, "--thoughts": thoughts}
    given |= {"--i-have-the-right": i_have_the_right, "--scale": scale, "--force": force and endpoint}
    refuse_unused(given, _USED[to], f"with --to {to}")
    kinds[to](RunReader(run, scale or []))


def _needed(out: Path | None) -> Path:
    if out is None:
        raise typer.BadParameter("-o PATH is needed")
    return out


def _inspect(reader: "RunReader", out: Path, force: bool) -> None:
    from cocoon.exports.inspect_ai.log import export_inspect

    for path in export_inspect(reader, out, force=force):
        typer.echo(path)


def _otel(reader: "RunReader", out: Path | None, endpoint: str | None, content: bool, force: bool) -> None:
    from cocoon.exports.otel.export import OtelExport
    from cocoon.exports.otel.send import endpoint_host

    if (out is None) == (endpoint is None):
        raise typer.BadParameter("give -o FILE, or --endpoint URL to send")
    export = OtelExport(reader, content=content)
    with_or_without = "with" if content else "without"
    if out is not None:
        typer.echo(f"{export.to_file(out, force=force)} spans {with_or_without} text", err=True)
        typer.echo(out)
    elif endpoint is not None:
        typer.echo(f"spans {with_or_without} text go to: {endpoint_host(endpoint)}", err=True)
        typer.echo(f"{export.to_endpoint(endpoint)} spans sent", err=True)


def _tables(reader: "RunReader", out: Path, form: str, force: bool) -> None:
    from cocoon.exports.tables.export import export_tables
    from cocoon.exports.tables.files import FORMATS

    if form not in FORMATS:
        raise typer.BadParameter(f"--format {form!r}: {', '.join(FORMATS)}")
    for path, rows in export_tables(reader, out, form, force=force).items():
        typer.echo(f"{path}: {rows} rows", err=True)
    typer.echo(out)


def _messages(reader: "RunReader", out: Path, form: str, thoughts: "Thoughts", right: bool, force: bool) -> None:
    from cocoon.corpora.export.export import FILES, export_corpus
    from cocoon.exports.file import refuse_existing

    if form not in ("messages", "parquet"):
        raise typer.BadParameter(f"--format {form!r}: messages, parquet (ShareGPT: `cocoon corpus export`)")
    for name in (FILES[form], "README.md"):
        refuse_existing(out / name, force=force)
    exported = export_corpus(reader.dialogues.path, form, out, thoughts, i_have_the_right=right)
    typer.echo(f"{exported.dialogues} dialogues, {exported.turns} turns; card: {out / 'README.md'}", err=True)
    typer.echo(out / FILES[form])


def _preferences(run: Path, out: Path, form: str, thoughts: "Thoughts", right: bool, force: bool) -> None:
    from cocoon.corpora.export.export import FILES
    from cocoon.studies.preferences.pairs import export_preferences

    if form not in ("dpo", "kto"):
        raise typer.BadParameter(f"--format {form!r}: dpo, kto")
    exported, preferences = export_preferences(run, form, out, thoughts, i_have_the_right=right, force=force)
    for reason, number in preferences.left_out.items():
        typer.echo(f"{number} left out: {reason}", err=True)
    typer.echo(f"{exported.dialogues} preferences; card: {out / 'README.md'}", err=True)
    typer.echo(out / FILES[form])
