"""The lock of a folder: whoever holds it is the only process that writes there."""

import fcntl
import os
from pathlib import Path

from cocoon.core.errors import CocoonError, InUseError


def lock_folder(path: Path) -> int:
    """Make a folder where it is missing, lock it against a second writer, and return the lock for `os.close`.

    Raises InUseError where another process holds it, and CocoonError where the folder cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CocoonError(f"{path}: cannot hold a run ({error.strerror}); use another --out") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise InUseError(f"{path}: another process is working on this run; wait for it or use another --out") from None
    return lock
