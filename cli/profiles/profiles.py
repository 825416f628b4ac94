"""`cocoon profiles`: foreign profiles made ours, and profiles shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cocoon.cli.profiles.build import build
from cocoon.cli.profiles.stats import stats
from cocoon.cli.profiles.translate import translate
from cocoon.cli.terminal.options import Json

if TYPE_CHECKING:
    from rich.panel import Panel
    from rich.table import Table

    from cocoon.core.records import Profile
    from cocoon.corpora.reading.repair import RepairReport

app = typer.Typer(no_args_is_help=True, help="Build profiles, import them from elsewhere, and look at them.")
app.command()(build)
app.command()(translate)
app.command()(stats)
MOST_NOTES = 20


@app.command("import")
def import_profiles(
    kind: Annotated[
        str,
        typer.Argument(
            help="esc-eval, cactus, extes, sage, esc-judge, interactive-agents (their cards), cocoon (the paper's "
            "layout) or jsonl (our own)."
        ),
    ],
    file: Annotated[Path, typer.Argument(help="The file to read: JSON or JSONL.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the profiles go, one a line.")],
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="Only the first N profiles.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output file if it is there.")] = False,
    as_json: Json = False,
) -> None:
    """Read profiles and write them as ours; what had to be mended is told on stderr, record by record."""
    from cocoon.core.errors import CocoonError
    from cocoon.core.jsonl import dump_line, write_whole
    from cocoon.corpora.profile_loaders import load_profiles

    if out.exists() and not force:
        raise CocoonError(f"{out}: is there already; give --force to replace it, or another -o")
    profiles, report = load_profiles(kind, file, limit)
    if not profiles:
        raise CocoonError(f"{file}: holds no profile")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, map(dump_line, profiles))
    except OSError as error:
        raise CocoonError(f"{out}: cannot be written ({error.strerror}); choose another -o") from None
    _tell(report, out, as_json)


def _tell(report: "RepairReport", out: Path, as_json: bool) -> None:
    import json

    from cocoon.cli.terminal.terminal_text import printable

    for note in report.notes[:MOST_NOTES]:
        typer.echo(printable(f"{note.where}: {note.key}: {note.repair}: {note.reason}"), err=True)
    if len(report.notes) > MOST_NOTES:
        typer.echo(f"... and {len(report.notes) - MOST_NOTES} more (all with --json)", err=True)
    typer.echo(printable(f"{report.summary()} -> {out}"), err=True)
    if as_json:
        told = {"out": str(out), **report.model_dump(mode="json"), "counts": report.counts}
        typer.echo(json.dumps(told, ensure_ascii=False))


@app.command()
def show(
    file: Annotated[str, typer.Argument(help="A JSONL file of profiles, or shipped, shipped:zh, shipped:en.")],
    profile: Annotated[str | None, typer.Argument(metavar="[ID]", help="One profile; without it, a table.")] = None,
    as_json: Json = False,
) -> None:
    """Show the profiles of a file as a table, or one of them whole."""
    from rich.console import Console

    found = _read(file, profile)
    if as_json:
        for one in found:
            typer.echo(one.model_dump_json())
        return
    console = Console()
    console.print(_panel(found[0]) if profile else _table(found, console.width))


def _read(name: str, wanted: str | None) -> "list[Profile]":
    from cocoon.core.errors import CocoonError
    from cocoon.core.jsonl import read_records
    from cocoon.core.profile_files import profile_path
    from cocoon.core.records import Profile

    found = [profile for path in profile_path(name) for profile in read_records(path, Profile)]
    if wanted is None:
        return found
    chosen = [profile for profile in found if profile.id == wanted]
    if not chosen:
        raise CocoonError(f"{name}: no profile {wanted!r} in it{_nearest(wanted, [profile.id for profile in found])}")
    return chosen[:1]


def _nearest(wanted: str, ids: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(wanted, ids, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(ids[:5])}{' ...' if ids[5:] else ''}"


def _table(profiles: "list[Profile]", width: int) -> "Table":
    """A line a profile; the two texts share what the other columns leave of `width`."""
    from rich.table import Table
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    table = Table(caption=f"{len(profiles)} profiles", show_edge=False)
    for head in ("id", "lang", "emotion", "feeling", "need", "chain", "memories"):
        table.add_column(head, overflow="fold")
    room = max(12, (width - 60) // 2)
    for one in profiles:
        texts = [Text(printable(" ".join(text[:400].split()))) for text in (one.feeling, one.need or "-")]
        for text in texts:
            text.truncate(room, overflow="ellipsis")
        head = (one.id, one.language, one.emotion or "-")
        numbers = (str(len(one.chain)), str(len(one.memory)))
        table.add_row(*(Text(printable(cell)) for cell in head), *texts, *numbers)
    return table


def _panel(profile: "Profile") -> "Panel":
    from rich.panel import Panel
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    text = Text()
    for head, lines in _parts(profile):
        text.append(f"{head}\n", style="bold")
        text.append("".join(f"  {printable(line)}\n" for line in lines))
    title = Text(printable(f"{profile.id} ({profile.language})"))
    return Panel(text, title=title, subtitle=Text(printable(f"{profile.source}, {profile.licence or 'no licence'}")))


def _parts(profile: "Profile") -> list[tuple[str, list[str]]]:
    """What a profile says, in the order in which a person would come upon it."""
    chain = [
        f"{node}. {step.need}" + (f"  (difficulty {step.difficulty}: {step.reason})" if step.difficulty else "")
        for node, step in enumerate(profile.chain)
    ]
    memory = [f"[{'-' if one.chain_node is None else one.chain_node}] {one.text}" for one in profile.memory]
    parts = [
        ("Scenario", [profile.scenario]),
        ("Emotion", [profile.emotion]),
        ("Feeling", [profile.feeling]),
        ("Need", [profile.need or "none: success is not applicable"]),
        ("Chain (0 is the surface)", chain),
        ("Memory [chain node]", memory),
    ]
    return [(head, [line for line in lines if line]) for head, lines in parts if any(lines)]
