"""The journals of several parts of one run, put together as one process would have written them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from cocoon.core.errors import CocoonError
from cocoon.models.journal.store import Journal

# Texts are stored by their hash, and two parts may hold the same one.
_SHARED = ("texts",)
_OWN = ("calls", "utterances", "batches", "submitted")


def merge_journals(sources: Sequence[Path], target: Path) -> None:
    """Write a new journal with the rows of all sources. Seals of files are left out, because the files are others.

    Raises CocoonError where two sources hold the same call.
    """
    Journal(target).close()
    with closing(sqlite3.connect(f"file:{quote(str(target))}", uri=True, isolation_level=None)) as connection:
        for source in sources:
            connection.execute("attach database ? as part", (f"file:{quote(str(source))}?mode=ro",))
            try:
                _copy(connection)
            except sqlite3.IntegrityError:
                raise CocoonError(f"{source}: holds calls that another part of the run holds too") from None
            except sqlite3.Error as error:
                raise CocoonError(f"{source}: cannot be merged ({error}); `cocoon verify` tells more") from None
            connection.execute("detach database part")


def _copy(connection: sqlite3.Connection) -> None:
    connection.execute("begin immediate")
    for table in _SHARED:
        connection.execute(f"insert or ignore into main.{table} select * from part.{table}")
    for table in _OWN:
        connection.execute(f"insert into main.{table} select * from part.{table}")
    connection.execute("insert into main.seals select * from part.seals where kind != 'file'")
    connection.execute("commit")
