"""`cocoon fidelity`: how true and how easy the simulated users of a run were, beside the supporters' scores."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json


def fidelity(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders; of several, the supporters' orders are held against each other.")
    ],
    out: Annotated[Path | None, typer.Option(help="Write fidelity.md, fidelity.html and tables there.")] = None,
    as_json: Json = False,
) -> None:
    """Count what the simulated users gave away: unasked, early, locked or made up. No model is called."""
    import json

    from cocoon.reports.fidelity import fidelity_of, write_fidelity
    from cocoon.reports.formats.json_value import to_json
    from cocoon.reports.formats.markdown import render_markdown

    report = fidelity_of(runs)
    typer.echo(json.dumps(to_json(report), ensure_ascii=False) if as_json else render_markdown(report))
    if out is not None:
        write_fidelity(report, out)
        typer.echo(f"written: {out}/fidelity.md, fidelity.html, tables/", err=True)
