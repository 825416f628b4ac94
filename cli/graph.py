"""`cocoon graph`: a graph as it runs, as Mermaid text or as an SVG picture."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json


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
    import json

    from cocoon.core.errors import CocoonError
    from cocoon.core.jsonl import write_whole
    from cocoon.graphs.drawing.draw import draw, draw_mermaid, open_graph
    from cocoon.graphs.drawing.svg import to_svg

    made = open_graph(name)
    drawing = draw(made)
    if out is not None:
        writers = {
            ".svg": lambda: to_svg(drawing),
            ".mmd": lambda: draw_mermaid(made),
            ".md": lambda: f"```mermaid\n{draw_mermaid(made)}```\n",
        }
        if out.suffix not in writers:
            raise CocoonError(f"-o {str(out)!r}: the ending says the format; use one of {', '.join(writers)}")
        try:
            write_whole(out, [writers[out.suffix]().encode()])
        except OSError as error:
            raise CocoonError(f"-o {str(out)!r}: cannot be written ({error.strerror})") from None
        typer.echo(f"written: {out}", err=True)
    if as_json:
        typer.echo(json.dumps({**drawing.to_json(), "mermaid": draw_mermaid(made)}, ensure_ascii=False))
    elif out is None:
        typer.echo(draw_mermaid(made), nl=False)


def _draw_run(run: Path, out: Path | None, as_json: bool) -> None:
    import json

    from cocoon.core.jsonl import write_whole
    from cocoon.graphs.drawing.draw import GRAPHS, draw, open_graph
    from cocoon.graphs.drawing.svg import to_svg
    from cocoon.graphs.drawing.walked import walked_edges

    walks = walked_edges(run)
    folder = out if out is not None else run / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for made in map(open_graph, GRAPHS):
        if made.name in walks:
            path = folder / f"graph_{made.name}.svg"
            write_whole(path, [to_svg(draw(made), walks[made.name]).encode()])
            typer.echo(f"written: {path}", err=True)
    if as_json:
        told = {
            graph: [{"source": one, "target": other, "times": times} for (one, other), times in counts.items()]
            for graph, counts in walks.items()
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
