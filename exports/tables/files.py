"""Write tables as files, row by row: CSV with strict rules, Parquet with pyarrow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from cocoon.core.errors import CocoonError
from cocoon.core.extras import install_line
from cocoon.exports.tables.columns import TableColumn

# Characters that a spreadsheet may read as the beginning of a formula, full-width forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BATCH = 5_000


class TableFile(Protocol):
    """A table that is being written."""

    def add(self, row: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


class CsvFile:
    """CSV in UTF-8 with a header line and \\n ends.

    Text is always quoted and a missing value is an empty cell, so the two differ.
    """

    def __init__(self, path: Path, columns: Sequence[TableColumn]) -> None:
        self._names = [column.name for column in columns]
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(",".join(self._names) + "\n")

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        self._file.write(",".join([cell(row[name]) for name in self._names]) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def cell(value: Any) -> str:
    """Return a value as a cell of CSV."""
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return '"' + guarded(value).replace('"', '""') + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def guarded(text: str) -> str:
    """Return text that no spreadsheet reads as a formula, by an apostrophe before it where it would.

    To undo it, remove one apostrophe where a formula's first character follows the apostrophes at the beginning.
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


class ParquetFile:
    """Parquet with nulls and exact text, in row groups of BATCH rows."""

    def __init__(self, path: Path, columns: Sequence[TableColumn]) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise CocoonError(
                f"Parquet needs pyarrow; install it with `{install_line('corpora')}`, or use --format csv"
            ) from None
        kinds = {"text": pyarrow.string(), "int": pyarrow.int64(), "float": pyarrow.float64(), "bool": pyarrow.bool_()}
        self._table = pyarrow.Table
        about = {column.name: {"about": column.about} for column in columns}
        fields = [pyarrow.field(column.name, kinds[column.kind], metadata=about[column.name]) for column in columns]
        self._schema = pyarrow.schema(fields)
        self._rows: list[Mapping[str, Any]] = []
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row, and write the batch when it is full."""
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(self._table.from_pylist(self._rows, schema=self._schema))
        self._rows = []

    def close(self) -> None:
        """Write the remaining rows and the end of the file."""
        self._flush()
        self._writer.close()


FORMATS = {"csv": CsvFile, "parquet": ParquetFile}
