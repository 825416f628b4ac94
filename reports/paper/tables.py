"""The paper's tables as data: its own figures, and the same columns filled from a run beside them.

The files of `paper_tables/` hold figures and names as Fu et al. (Look Beyond Feeling, COCOON) print them. A figure that
could not be read is None.
"""

from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from cocoon.core.errors import CocoonError
from cocoon.core.records import Rating, Record
from cocoon.evaluation.groups import Group, Groups
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.statistics.estimates import mean_over_profiles
from cocoon.evaluation.success.verdicts import PAPER
from cocoon.reports.tables.records import NOTHING, Cell, Row, Table
from cocoon.reports.tables.scores import mean_of, rate_of

BASIC_AVERAGE = "Basic Avg"
_BASIC = tuple(measure.dimension for measure in MEASURES if measure.scale == "basic")
_KEYS = ["Source", "Evaluator", "Supporter", "Language", "Prompts"]


class PaperColumn(Record):
    """A column as printed.

    `measure` is `SR`, `Basic Avg`, a label of Table 3, `SCALE.DIMENSION`, or None where we have no such measure.
    """

    label: str
    measure: str | None = None
    digits: int = Field(default=2, ge=0, le=4)


class PaperRow(Record):
    """A row as printed: its names, and a value per column (a word in Table 1), None where it could not be read."""

    labels: list[str] = Field(min_length=1, max_length=2)
    values: list[float | str | None]


class PaperTable(Record):
    """A table of the paper. `data`: what its columns are made from. `missing`: what a run lacks for it."""

    id: str = Field(pattern=r"^table[0-9]+$")
    title: str
    place: str
    data: Literal["ratings", "people", "texts"]
    missing: str = ""
    keys: list[str]
    columns: list[PaperColumn] = Field(min_length=1)
    rows: list[PaperRow]
    notes: list[str] = []

    @model_validator(mode="after")
    def _rows_fit_the_columns(self) -> Self:
        for row in self.rows:
            if len(row.values) != len(self.columns) or len(row.labels) != len(self.keys):
                raise ValueError(f"row {row.labels} does not fit the keys and columns of the table")
        return self


def paper_tables() -> list[str]:
    """Return the ids of the available tables, in the paper's order."""
    names = [file.name.removesuffix(".yaml") for file in _folder().iterdir() if file.name.endswith(".yaml")]
    return sorted(names, key=lambda name: int(name.removeprefix("table")))


def load_paper_table(name: str) -> PaperTable:
    """Load the table with that id, such as `table3`. Raises a CocoonError that names the available tables."""
    if name not in paper_tables():
        raise CocoonError(f"The paper's table {name!r} is not available. Choose one of: {', '.join(paper_tables())}")
    text = _folder().joinpath(f"{name}.yaml").read_text("utf-8")
    try:
        return PaperTable.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise CocoonError(f"{name}.yaml of this installation is damaged ({error.errors()[0]['msg']})") from None


def _folder() -> Traversable:
    return resources.files("cocoon.reports.paper").joinpath("paper_tables")


def table_like(paper: PaperTable, groups: Groups) -> Table:
    """Return the paper's table with a row for each of our groups above the paper's rows, marked by source.

    Raises a CocoonError that says what is missing, where the run has nothing for any of its columns.
    """
    if paper.missing:
        raise CocoonError(f"{paper.id} ({paper.title}) needs {paper.missing}")
    ours = [row for group in groups if (row := _our_row(paper, group)).cells]
    if not ours:
        raise CocoonError(
            f"{paper.id} ({paper.title}) needs ratings on {_needed_scales(paper)}; {_judged_scales(groups)}"
        )
    unjudged = [column.label for column in paper.columns if not any(column.label in row.cells for row in ours)]
    notes = [f"Not judged in this run: {', '.join(unjudged)}."] if unjudged else []
    return Table(
        # An id may hold letters alone.
        id="like_paper",
        title=f"Like {paper.place} of the paper: {paper.title}",
        keys=_KEYS,
        measures=[column.label for column in paper.columns],
        digits={column.label: column.digits for column in paper.columns},
        rows=[*ours, *(_paper_row(paper, row) for row in paper.rows)],
        note=" ".join([*notes, *paper.notes]),
    )


def _our_row(paper: PaperTable, group: Group) -> Row:
    key = group.key
    cells: dict[str, Cell] = {
        column.label: cell for column in paper.columns if (cell := _cell(column.measure, group)) is not None
    }
    return Row(labels=["ours", key.judge, key.supporter, key.language, key.prompts], cells=cells)


def _paper_row(paper: PaperTable, row: PaperRow) -> Row:
    *evaluator, supporter = row.labels
    return Row(labels=["paper", *(evaluator or [NOTHING]), supporter, NOTHING, NOTHING], cells=paper_cells(paper, row))


def paper_cells(paper: PaperTable, row: PaperRow) -> dict[str, Cell]:
    """Return the printed values of a row by column."""
    return {column.label: value for column, value in zip(paper.columns, row.values, strict=True)}


def _cell(measure: str | None, group: Group) -> Cell:
    """Return what a group has for a column, or None where it was not judged."""
    if measure == "SR":
        return rate_of(group, PAPER)
    if measure == BASIC_AVERAGE:
        return mean_over_profiles(group.draws("basic", _average(_BASIC))) if "basic" in group.ratings else None
    scale, dimension = _source(measure)
    return mean_of(group, scale, dimension) if scale in group.ratings else None


def _source(measure: str | None) -> tuple[str, str]:
    """Return the (scale, dimension) of a measure."""
    for known in MEASURES:
        if known.label == measure:
            return known.scale, known.dimension
    scale, _, dimension = (measure or "").partition(".")
    return scale, dimension


def _average(dimensions: Sequence[str]) -> Callable[[list[Rating]], float | None]:
    """Return a function for a dialogue's mean over dimensions and votes.

    A vote that lacks one of the dimensions has no value.
    """

    def value(votes: list[Rating]) -> float | None:
        known = [
            sum(scores) / len(scores)
            for vote in votes
            if (scores := [score for name in dimensions if (score := vote.dimensions.get(name)) is not None])
            and len(scores) == len(dimensions)
        ]
        return sum(known) / len(known) if known else None

    return value


def _needed_scales(paper: PaperTable) -> str:
    scales = {"SR": "success", BASIC_AVERAGE: "basic"}
    names = [scales.get(column.measure or "") or _source(column.measure)[0] for column in paper.columns]
    return ", ".join(dict.fromkeys(names))


def _judged_scales(groups: Iterable[Group]) -> str:
    judged = sorted({scale for group in groups for scale in group.ratings})
    return f"this run has {', '.join(judged) or 'none'}; judge it with `cocoon judge RUN --judge SPEC --scales ...`"
