"""The columns of the tidy tables: name, type, and content, as `columns.csv` lists them. A missing value is null."""

import csv
from collections import defaultdict
from importlib import resources
from typing import Literal

from cocoon.core.records import Record

Kind = Literal["text", "int", "float", "bool"]


class TableColumn(Record):
    """One column. `about` is a phrase for people."""

    name: str
    kind: Kind
    about: str


def _read_tables() -> dict[str, tuple[TableColumn, ...]]:
    columns: dict[str, list[TableColumn]] = defaultdict(list)
    text = resources.files("cocoon.exports.tables").joinpath("columns.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        columns[row.pop("table")].append(TableColumn.model_validate(row))
    return {table: tuple(listed) for table, listed in columns.items()}


TABLES = _read_tables()
