"""Errors that a user can act on. The command line prints them in one line and exits with `exit_code`."""


class CocoonError(Exception):
    """Something the user can mend: the message says what is wrong, where, and what to do next."""

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
    """The user asked to stop. No new call is started."""

    exit_code = 130
