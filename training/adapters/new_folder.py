"""A new folder that is written whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.models.local.libraries import first_line


def refuse_existing(out: Path) -> None:
    """Raise CocoonError where there is something at the path already, or where it can be no path."""
    try:
        exists = out.exists()
    except OSError as error:
        raise CocoonError(f"{out}: cannot be written ({first_line(error)}); choose another --out") from None
    if exists:
        raise CocoonError(f"{out}: already exists; choose another --out")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder to fill, which becomes `out` by one rename. Where anything fails, nothing is left.

    Raises CocoonError where it cannot be written.
    """
    from safetensors import SafetensorError

    part = out.with_name(f".{out.name}.part")
    # Remove what a process that was killed left.
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
        part.rename(out)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CocoonError(f"{out}: cannot be written ({first_line(error)}); make room and run again") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
