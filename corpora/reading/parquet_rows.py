"""Write and read messages rows as Parquet in batches (pyarrow, extra `corpora`)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.core.extras import install_line

BATCH = 2_000


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise CocoonError(
            f"Parquet needs pyarrow; install it with `{install_line('corpora')}`, or use --format messages"
        ) from None
    return pyarrow


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows to a file and return their number.

    The file appears only when it is complete.
    """
    pyarrow = _pyarrow()
    string_type = pyarrow.string()
    message = pyarrow.struct([("role", string_type), ("content", string_type)])
    columns = [(name, string_type) for name in ("id", "language", "source", "licence", "cocoon")]
    schema = pyarrow.schema([*columns, ("messages", pyarrow.list_(message))])
    partial, count, stream = path.with_name(f".{path.name}.part"), 0, iter(rows)
    try:
        with pyarrow.parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
            while batch := list(islice(stream, BATCH)):
                writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))
                count += len(batch)
        partial.replace(path)
    except OSError as error:
        raise NotSavedError.at(path, error) from None
    finally:
        partial.unlink(missing_ok=True)
    return count


def read_parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file, reading a batch at a time.

    Raises CocoonError if the file is not a Parquet file.
    """
    pyarrow = _pyarrow()
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        problem = str(error).partition("\n")[0]
        raise CocoonError(f"{path}: is not a Parquet file ({problem})") from None
    with file:
        for batch in file.iter_batches(BATCH):
            yield from batch.to_pylist()
