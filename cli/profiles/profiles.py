"""`cocoon profiles`: import foreign profiles, and show profiles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cocoon.cli.building import build, judge_profiles, translate
from cocoon.cli.profiles.stats import profile_stats_command
from cocoon.cli.terminal.options import Force, Json, Limit, RecordsOut, SkipUnreadable
from cocoon.cli.terminal.results import print_json, print_repairs

if TYPE_CHECKING:
    from rich.panel import Panel
    from rich.table import Table

    from cocoon.core.records import Profile

app = typer.Typer(no_args_is_help=True, help="Build profiles, import them from elsewhere, and look at them.")
app.command("build")(build)
app.command("judge")(judge_profiles)
app.command()(translate)
app.command("stats")(profile_stats_command)


@app.command("import")
def import_profiles(
    kind: Annotated[
        str,
        typer.Argument(
            help="esc-eval, cactus, extes, sage, esc-judge, interactive-agents, patienthub (their cards), cocoon (the "
            "paper's layout) or jsonl (our own)."
        ),
    ],
    file: Annotated[Path, typer.Argument(help="The file to read: JSON or JSONL.")],
    out: RecordsOut,
    skip_unreadable: SkipUnreadable = False,
    limit: Limit = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Read profiles and write them as ours. Every repair is printed on stderr, record by record."""
    from cocoon.corpora.imports import import_profile_file

    report = import_profile_file(kind, file, out, limit, skip_unreadable=skip_unreadable, force=force)
    print_repairs(report)
    if as_json:
        print_json({"out": str(out), **report.model_dump(mode="json"), "counts": report.counts})


@app.command("show")
def show_profiles(
    file: Annotated[str, typer.Argument(help="A JSONL file of profiles, or shipped, shipped:zh, shipped:en.")],
    profile: Annotated[str | None, typer.Argument(metavar="[ID]", help="One profile; without it, a table.")] = None,
    as_json: Json = False,
) -> None:
    """Show the profiles of a file as a table, or one of them whole."""
    from rich.console import Console

    from cocoon.core.outside.profile_files import find_profile, read_profile_files

    profiles = read_profile_files(file) if profile is None else [find_profile(file, profile)]
    if as_json:
        for selected in profiles:
            typer.echo(selected.model_dump_json())
        return
    console = Console()
    console.print(_panel(profiles[0]) if profile else _table(profiles, console.width))


def _table(profiles: "list[Profile]", width: int) -> "Table":
    """Return one line for each profile. The two texts share the width that the other columns leave."""
    from rich.table import Table
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    table = Table(caption=f"{len(profiles)} profiles", show_edge=False)
    for head in ("id", "lang", "emotion", "feeling", "need", "chain", "memories"):
        table.add_column(head, overflow="fold")
    room = max(12, (width - 60) // 2)
    for profile in profiles:
        texts = [Text(printable(" ".join(text[:400].split()))) for text in (profile.feeling, profile.need or "-")]
        for text in texts:
            text.truncate(room, overflow="ellipsis")
        head = (profile.id, profile.language, profile.emotion or "-")
        numbers = (str(len(profile.chain)), str(len(profile.memory)))
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
    """Return what a profile says, in the order in which a person would notice it."""
    chain = [
        f"{node}. {step.need}"
        + (f"  (difficulty {step.difficulty}: {step.reason})" if step.difficulty else "")
        + (f"  (relevance {step.relevance})" if step.relevance else "")
        for node, step in enumerate(profile.chain)
    ]
    memory = [f"[{'-' if memory.chain_node is None else memory.chain_node}] {memory.text}" for memory in profile.memory]
    parts = [
        ("Scenario", [profile.scenario]),
        ("Emotion", [profile.emotion]),
        ("Feeling", [profile.feeling]),
        ("Need", [profile.need or "none: success is not applicable"]),
        ("Chain (0 is the surface)", chain),
        ("Memory [chain node]", memory),
        ("Plausible, 1 to 5", [str(profile.plausible or "")]),
    ]
    return [(head, [line for line in lines if line]) for head, lines in parts if any(lines)]
