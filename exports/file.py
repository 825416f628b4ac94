"""Write the files of an export: never over an existing file, and complete or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cocoon.core.errors import CocoonError, NotSavedError


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise CocoonError for a file that exists, unless it may be replaced."""
    if path.exists() and not force:
        raise CocoonError(f"{path}: already exists; give --force to replace it, or choose another -o")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to, and move that file to `path` when everything went well.

    Raises NotSavedError if the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise NotSavedError.at(path, error) from None
    finally:
        partial.unlink(missing_ok=True)
