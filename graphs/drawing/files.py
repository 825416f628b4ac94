"""Drawings of graphs as files: one graph by name, or every graph that a run used."""

from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.graphs.drawing.draw import GRAPHS, Compiled, draw_graph, draw_mermaid, open_graph
from cocoon.graphs.drawing.svg import to_svg
from cocoon.graphs.drawing.walked import Walks

FORMATS = {
    ".svg": lambda graph: to_svg(draw_graph(graph)),
    ".mmd": draw_mermaid,
    ".md": lambda graph: f"```mermaid\n{draw_mermaid(graph)}```\n",
}


def write_drawing(graph: Compiled, out: Path) -> None:
    """Write the drawing of a graph in the format of the file's ending. Raises CocoonError for another ending."""
    if out.suffix not in FORMATS:
        raise CocoonError(f"-o {str(out)!r}: the ending says the format; use one of {', '.join(FORMATS)}")
    try:
        write_whole(out, [FORMATS[out.suffix](graph).encode()])
    except OSError as error:
        raise CocoonError(f"-o {str(out)!r}: cannot be written ({error.strerror})") from None


def write_run_drawings(walks: Walks, folder: Path) -> list[Path]:
    """Draw every graph of `walks` with its edges weighted by how often they were used, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for graph in map(open_graph, GRAPHS):
        if graph.name in walks:
            file = folder / f"graph_{graph.name}.svg"
            write_whole(file, [to_svg(draw_graph(graph), walks[graph.name]).encode()])
            files.append(file)
    return files
