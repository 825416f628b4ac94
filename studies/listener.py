"""What a study tells those who wait for it. The command line, a notebook and a test each listen in their own way."""

from contextlib import AbstractContextManager
from typing import Protocol

from cocoon.core.config import RunConfig
from cocoon.models.by_name import Models
from cocoon.running.frame import Watch
from cocoon.training.fit.trainer import Watch as TrainingWatch


class Listener(Protocol):
    """Takes the messages of a study."""

    def say(self, text: str) -> None:
        """Take one line."""
        ...

    def unnamed(self, config: RunConfig, *, but: str = "") -> None:
        """Take the settings of a session, to say which roles nobody named a model for. `but` is named elsewhere."""
        ...

    def hosts(self, models: Models) -> None:
        """Take the models before anything is sent to them."""
        ...

    def watch(self) -> Watch | None:
        """Return what follows the progress of a session, or None."""
        ...

    def training(self) -> AbstractContextManager[TrainingWatch | None]:
        """Return what follows the steps of a training inside the block."""
        ...
