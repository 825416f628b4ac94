"""`cocoon profiles stats`: Figure 3 and Table 8 of the paper, from files of profiles."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cocoon.cli.terminal.options import Json, refuse_unused
from cocoon.cli.terminal.results import print_json, print_report
from cocoon.core.records import Language

PartChoice = Literal["description", "feeling", "need", "memory"]


def profile_stats_command(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Profiles or dialogues (.jsonl), or shipped, shipped:zh, shipped:en."),
    ],
    like: Annotated[str | None, typer.Option(metavar="TABLE", help="table8: beside the paper's figures.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Write the paper's Figure 3 of the profiles as SVG.")] = None,
    text: Annotated[
        PartChoice, typer.Option(help="Whose diversity: feeling, need and memories together, or one of them.")
    ] = "description",
    sample: Annotated[
        int | None, typer.Option(min=2, help="Texts in each draw (default: as many as the smallest file has).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws (default: 0).")] = None,
    language: Annotated[Language | None, typer.Option(help="Language of the figure (default: en).")] = None,
    as_json: Json = False,
) -> None:
    """Count scenarios, emotions and chains, and measure how diverse the descriptions are."""
    from cocoon.core.errors import CocoonError
    from cocoon.reports.profiles import profile_stats

    if like not in (None, "table8"):
        raise CocoonError(
            f"--like {like!r}: profiles fill table8 alone; other tables are of `cocoon report RUN --like`"
        )
    if figure is None:
        refuse_unused({"--language": language}, (), "without --figure")
    figures = profile_stats(files, text, sample, seed or 0)
    if not figures.is_drawn:
        refuse_unused({"--seed": seed}, (), "where nothing is drawn: give two files, or --sample")
    if figure:
        figures.write_figure(figure, language or "en")
        typer.echo(f"written: {figure}", err=True)
    if as_json and not like:
        print_json(figures.to_json())
        return
    print_report(figures.report(like_paper=like is not None), as_json)
