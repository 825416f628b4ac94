"""What `+adapter=` and `+steer=` of a local spec open: made here of the rooms that models may not look into."""

from collections.abc import Mapping
from pathlib import Path

from cocoon.models.local.control import Adapter, LocalControl, Parts
from cocoon.models.local.weights import Weights


def local_parts() -> Parts:
    """Return the openers for `Models` and `open_chat`. Nothing is imported before a spec asks for it."""
    return Parts(_adapter, _control)


def _adapter(weights: Weights, path: Path) -> Adapter:
    from cocoon.training.adapters.attach import attach

    return attach(weights, path)


def _control(weights: Weights, path: Path, options: Mapping[str, str]) -> LocalControl:
    from cocoon.steering.control.control import open_control

    return open_control(weights, path, options)
