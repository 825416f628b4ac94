"""`cocoon graph`: a graph as it runs, as Mermaid text or as an SVG picture."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.results import print_json


def graph(
    name: Annotated[str, typer.Argument(help="A graph by name, such as conversation or assessment; or a run folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write FILE.svg, FILE.mmd or FILE.md.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw a graph, offline and as it runs: Mermaid on stdout, or a file by its ending.

    Of a run folder every graph that was walked is drawn into --out (a folder), its edges weighted by how often.
    """
    if Path(name).is_dir():
        _draw_run(Path(name), out, as_json)
        return
    from cocoon.graphs.drawing.draw import draw_graph, draw_mermaid, open_graph
    from cocoon.graphs.drawing.files import write_drawing

    compiled = open_graph(name)
    if out is not None:
        write_drawing(compiled, out)
        typer.echo(f"written: {out}", err=True)
    if as_json:
        plain = {**draw_graph(compiled).to_json(), "mermaid": draw_mermaid(compiled)}
        print_json(plain)
    elif out is None:
        typer.echo(draw_mermaid(compiled), nl=False)


def _draw_run(run: Path, out: Path | None, as_json: bool) -> None:
    from cocoon.graphs.drawing.files import write_run_drawings
    from cocoon.graphs.drawing.walked import walked_edges

    walks = walked_edges(run)
    for file in write_run_drawings(walks, out if out is not None else run / "figures"):
        typer.echo(f"written: {file}", err=True)
    if as_json:
        plain = {
            graph: [{"source": source, "target": target, "times": times} for (source, target), times in counts.items()]
            for graph, counts in walks.items()
        }
        print_json(plain)
