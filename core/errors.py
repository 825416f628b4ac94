"""Errors that a user can act on. The command line prints them in one line and exits with `exit_code`."""

import errno
import signal

from cocoon.core.outside.interrupts import EXIT_STATUS

_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
# SQLITE_PERM and SQLITE_READONLY. The module is not loaded for two numbers.
_FORBIDDEN_IN_SQLITE = (3, 8)


class CocoonError(Exception):
    """Something the user can fix: the message says what is wrong, where, and what to do next."""

    exit_code = 2


class InUseError(CocoonError):
    """Another process is working in the folder."""


class BudgetReachedError(CocoonError):
    """The run spent its budget of calls, tokens or money. What was answered is kept."""

    exit_code = 3


class CallFailedError(CocoonError):
    """A model call got no reply: `reason` is one word for tables, the message tells the whole."""

    exit_code = 1

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AccessDeniedError(CocoonError):
    """An endpoint takes no call of this user: a wrong key, no right, or no credit. The run stops at the first."""


class EndpointDownError(CocoonError):
    """An endpoint answered nobody for longer than the user has patience. What was answered is kept."""

    exit_code = 1


SUBMITTED = "submitted"


class SubmittedError(CallFailedError):
    """A call waits for a batch, or is out in one. Its dialogue goes on when the answer is there."""

    def __init__(self, message: str) -> None:
        super().__init__(SUBMITTED, message)


class ReplayMismatchError(CocoonError):
    """The journal holds another call at this place than the one now made."""


class NotSavedError(CocoonError):
    """A reply or record could not be written: the run stops, since nothing more could be kept."""

    @classmethod
    def at(cls, place: object, error: Exception) -> "NotSavedError":
        """Return the error of a file or folder that a system error kept from being written, with what helps then."""
        reason = getattr(error, "strerror", None) or error
        sqlite_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if getattr(error, "errno", None) in _FORBIDDEN or sqlite_code in _FORBIDDEN_IN_SQLITE:
            return cls(f"{place}: cannot be written ({reason}); check its permissions, or write elsewhere")
        return cls(f"{place}: cannot be written ({reason}); free space and run again")


class StoppedError(CocoonError):
    """A signal asked to stop, such as Ctrl-C. No new call is started. The exit code tells which signal it was."""

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.exit_code = EXIT_STATUS + number
