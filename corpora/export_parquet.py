"""Messages rows as Parquet (pyarrow, extra `corpora`), written and read in batches."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError, NotSavedError

BATCH = 2_000


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise CocoonError(
            "Parquet needs pyarrow: pip install 'cocoon-esc[corpora]', or take --format messages"
        ) from None
    return pyarrow


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows to a file that appears whole or not at all; how many there were."""
    pyarrow = _pyarrow()
    text = pyarrow.string()
    message = pyarrow.struct([("role", text), ("content", text)])
    columns = [(name, text) for name in ("id", "language", "source", "licence", "cocoon")]
    schema = pyarrow.schema([*columns, ("messages", pyarrow.list_(message))])
    beside, count, stream = path.with_name(f".{path.name}.part"), 0, iter(rows)
    try:
        with pyarrow.parquet.ParquetWriter(beside, schema, compression="zstd") as writer:
            while batch := list(islice(stream, BATCH)):
                writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))
                count += len(batch)
        beside.replace(path)
    except OSError as error:
        raise NotSavedError(f"{path}: cannot be written ({error.strerror}); make room and run again") from None
    finally:
        beside.unlink(missing_ok=True)
    return count


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file, a batch at a time; CocoonError for a file that is none."""
    pyarrow = _pyarrow()
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        first = str(error).partition("\n")[0]
        raise CocoonError(f"{path}: is no Parquet file ({first})") from None
    with file:
        for batch in file.iter_batches(BATCH):
            yield from batch.to_pylist()
