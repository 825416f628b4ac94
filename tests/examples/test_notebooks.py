"""The example notebooks run from the first cell to the last, in a real kernel, and are stored without outputs."""

from pathlib import Path
from typing import Any

import pytest

from cocoon.tests.commands import endpoint
from cocoon.tests.examples.examples_on_scripts import MODEL, ROOT
from cocoon.tests.notebooks import displayed, kernel, printed

NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def read(name: str) -> Any:
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat (extra 'dev')")
    return nbformat.read(ROOT / "examples" / "notebooks" / name, as_version=4)


async def run(notebook: Any, folder: Path) -> dict[str, Any]:
    """The outputs of all cells, by the cell's first line."""
    async with kernel(folder, notebook) as client:
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                await client.async_execute_cell(cell, number)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return {cell.source.partition("\n")[0]: cell.outputs for cell in cells}


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_stored_without_outputs(file: Path) -> None:
    cells = [cell for cell in read(file.name).cells if cell.cell_type == "code"]
    assert cells and all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert all(cell.id.startswith("cell-") and "id" not in cell.metadata for cell in cells)


async def test_the_first_study_runs(tmp_path: Path) -> None:
    notebook = read("01-first-study.ipynb")
    with endpoint() as spec:
        for cell in notebook.cells:
            cell.source = cell.source.replace(f'MODEL = "{MODEL}"', f'MODEL = "{spec}"')
        outputs = await run(notebook, tmp_path)
    assert "4/4 dialogues" in displayed(outputs["run = cocoon.simulate("])[0]
    (table,) = displayed(outputs["run.table()"], "text/html")
    assert "mirror" in table and "SR" in table
    assert displayed(outputs["run.show(0)"], "text/html")[0].startswith("<iframe srcdoc=")
    assert "report.html" in displayed(outputs["run.report()"])[0]
    assert (tmp_path / "runs" / "first-study" / "report.html").exists()


@pytest.mark.slow
async def test_steering_from_python_runs(tmp_path: Path) -> None:
    outputs = await run(read("02-steer-from-python.ipynb"), tmp_path)
    replies = printed(outputs["messages = ["]).splitlines()
    assert len({reply[6:] for reply in replies if reply[:1] in "+-"}) == 3, replies
    (table,) = displayed(outputs['run.table("questions")'], "text/html")
    assert "asking" in table and "plain" in table
