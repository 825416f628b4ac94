"""Errors that a user can act on. The command line prints them in one line and exits with `exit_code`."""

import signal

from cocoon.core.outside.interrupts import EXIT_STATUS


class CocoonError(Exception):
    """Something the user can fix: the message says what is wrong, where, and what to do next."""

    exit_code = 2


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


class StoppedError(CocoonError):
    """A signal asked to stop, such as Ctrl-C. No new call is started. The exit code tells which signal it was."""

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.exit_code = EXIT_STATUS + number
