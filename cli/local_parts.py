"""What `+adapter=` and `+steer=` of a local spec open: made here of the rooms that core may not look into."""

from collections.abc import Mapping
from pathlib import Path

from cocoon.core.control import Adapter, Control, Parts
from cocoon.core.local_weights import Weights


def local_parts() -> Parts:
    """Openers for `Models` and `open_chat`; nothing is imported before a spec asks for it."""
    return Parts(_adapter, _control)


def _adapter(weights: Weights, path: Path) -> Adapter:
    from cocoon.training.attach import attach

    return attach(weights, path)


def _control(weights: Weights, path: Path, options: Mapping[str, str]) -> Control:
    from cocoon.steering.control import open_control

    return open_control(weights, path, options)
