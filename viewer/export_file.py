"""Files of an export: never over something that is there, and there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cocoon.core.errors import CocoonError, NotSavedError


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise CocoonError for a file that is there, unless it may be replaced."""
    if path.exists() and not force:
        raise CocoonError(f"{path}: is there already; give --force to replace it, or another -o")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when all went well; NotSavedError where it cannot."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        beside.replace(path)
    except OSError as error:
        raise NotSavedError(f"{path}: cannot be written ({error.strerror}); make room or use another -o") from None
    finally:
        beside.unlink(missing_ok=True)
