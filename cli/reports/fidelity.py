"""`cocoon fidelity`: how true and how easy the simulated users of a run were, beside the supporters' scores."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json


def fidelity(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders; of several, the supporters' orders are held against each other.")
    ],
    against: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            metavar="CORPUS FILE",
            help="Hold the users against the people of a corpus, such as: esconv ESConv.json. Its figures are kept in "
            "the run, and its reports have them from then on.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write fidelity.md, fidelity.html and tables there.")] = None,
    as_json: Json = False,
) -> None:
    """Count what the simulated users gave away, and hold them against people. No model is called."""
    from cocoon.api.studies import fidelity as count
    from cocoon.cli.terminal.results import print_report

    print_report(count(*runs, against=against, out=out), as_json)
    if out is not None:
        typer.echo(f"written: {out}/fidelity.md, fidelity.html, tables/", err=True)
