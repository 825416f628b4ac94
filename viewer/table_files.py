"""Tables as files, written row by row: CSV by the standard library's rules made strict, Parquet by pyarrow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from cocoon.core.errors import CocoonError
from cocoon.viewer.table_columns import Column

# What a spreadsheet may take for the beginning of a formula, full-width forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BATCH = 5_000


class TableFile(Protocol):
    """A table being written."""

    def add(self, row: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


class CsvFile:
    """UTF-8, a header line, \\n ends. Text is always quoted, a missing value is an empty cell, so the two differ."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
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
    """A value as a cell of CSV."""
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return '"' + guarded(value).replace('"', '""') + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula: one apostrophe before it where it would.

    To undo it, take one apostrophe away where a formula's first character follows the apostrophes at the beginning.
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


class ParquetFile:
    """Parquet with nulls and exact text, in row groups of BATCH rows."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise CocoonError(
                "Parquet needs pyarrow: pip install 'cocoon-esc[corpora]', or take --format csv"
            ) from None
        kinds = {"text": pyarrow.string(), "int": pyarrow.int64(), "float": pyarrow.float64(), "bool": pyarrow.bool_()}
        self._table = pyarrow.Table
        about = {column.name: {"about": column.about} for column in columns}
        fields = [pyarrow.field(one.name, kinds[one.kind], metadata=about[one.name]) for one in columns]
        self._schema = pyarrow.schema(fields)
        self._rows: list[Mapping[str, Any]] = []
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row; a full batch is written."""
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(self._table.from_pylist(self._rows, schema=self._schema))
        self._rows = []

    def close(self) -> None:
        """Write what is left and the file's end."""
        self._flush()
        self._writer.close()


FORMATS = {"csv": CsvFile, "parquet": ParquetFile}
