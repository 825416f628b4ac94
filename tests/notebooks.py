"""A real notebook kernel for tests. Where none is installed, the tests are skipped with a message."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nbclient import NotebookClient


@asynccontextmanager
async def kernel(folder: Path, notebook: Any = None) -> "AsyncIterator[NotebookClient]":
    """A kernel that works in `folder` on the cells of a notebook, or on cells that the test adds."""
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat (extra 'dev')")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient (extra 'dev')")
    notebook = notebook or nbformat.v4.new_notebook()
    client = nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    private = {name: str(folder / ".jupyter") for name in names}
    async with client.async_setup_kernel(env={**os.environ, **private, "PYTHONPATH": _path()}):
        yield client


def _path() -> str:
    """The tree under test before every other, also in the kernel."""
    import cocoon

    return os.pathsep.join(filter(None, [str(Path(cocoon.__file__).parent.parent), os.environ.get("PYTHONPATH")]))


async def run_cell(client: "NotebookClient", source: str) -> list[Mapping[str, Any]]:
    """Run a new cell and return its outputs. Fails when the cell fails."""
    import nbformat

    cell = nbformat.v4.new_code_cell(source)
    client.nb.cells.append(cell)
    await client.async_execute_cell(cell, len(client.nb.cells) - 1)
    return cell.outputs


def printed(outputs: list[Mapping[str, Any]], stream: str = "stdout") -> str:
    """What a cell printed to a stream."""
    return "".join(output["text"] for output in outputs if output.get("name") == stream)


def displayed(outputs: list[Mapping[str, Any]], kind: str = "text/plain") -> list[str]:
    """What a cell displayed and returned, in that form."""
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]
