"""Check for the large libraries of the local model, and keep them quiet while they load."""

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from cocoon.core.errors import CocoonError
from cocoon.core.extras import install_line

_NEEDED_FOR = {"steer": "steering", "train": "training"}


def require_libraries(*names: str, extra: str = "local") -> None:
    """Raise CocoonError naming the first of these packages that is not installed, and how to install it."""
    # In a notebook tqdm, which these libraries import, asks for widgets that nothing here shows.
    warnings.filterwarnings("ignore", message="IProgress not found")
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise CocoonError(
                f"{_NEEDED_FOR.get(extra, 'a local model')} needs the package {name!r}, which is not installed; "
                f"install with `{install_line(extra)}`"
            )


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress progress bars, log lines and warnings of transformers inside the block, and restore them after it."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    hub_off = are_progress_bars_disabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if bars:
                logging.enable_progress_bar()
            if hub_off:
                disable_progress_bars()


def first_line(error: BaseException) -> str:
    """Return the message of another library's error, on one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
