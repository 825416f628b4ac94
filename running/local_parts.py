"""What `+adapter=` and `+steer=` of a local spec open: made here of the rooms that models may not look into."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.models.by_name import check_thoughts, open_local
from cocoon.models.local.control import Adapter, LocalControl, Parts
from cocoon.models.local.weights import Weights


def local_parts() -> Parts:
    """Return the openers for `Models` and `open_chat`. Nothing is imported before a spec asks for it."""
    return Parts(_adapter, _control)


@contextmanager
def opened_weights(spec: str, at: str | None = None) -> Iterator[Weights]:
    """Open the weights of `local:BASE[+adapter=PATH]` for the length of the block, with the adapter at work inside.

    `at` says where a direction will be added to them. Raises CocoonError for another spec, and where the adapter does
    not allow that.
    """
    kind, _, rest = spec.partition(":")
    if kind != "local":
        raise CocoonError(f"model {spec!r}: directions are read from local models; write local:BASE")
    chat = open_local(rest, local_parts(), {})
    if chat.control is not None:
        raise CocoonError(f"model {spec!r}: leave +steer= out; the direction is what is made or tried here")
    if chat.adapter is not None:
        check_thoughts(spec, chat.adapter, at)
    with chat.adapter.applied(chat.weights.network) if chat.adapter else nullcontext():
        yield chat.weights


def _adapter(weights: Weights, path: Path) -> Adapter:
    from cocoon.training.adapters.attach import attach
    from cocoon.training.adapters.card import adapter_folder

    return attach(weights, adapter_folder(path))


def _control(weights: Weights, path: Path, options: Mapping[str, str]) -> LocalControl:
    from cocoon.steering.control.control import open_control

    return open_control(weights, path, options)
