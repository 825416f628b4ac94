"""A loaded base model with its adapters and controls. Chats on it share its weights and one batcher."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from cocoon.core.errors import CocoonError
from cocoon.models.local.batch import Batcher
from cocoon.models.local.constraint import Grammars
from cocoon.models.local.control import Adapter, LocalControl, Parts
from cocoon.models.local.decoding.writer import writer_for
from cocoon.models.local.weights import Weights, load_weights

# Prompt and reply tokens of the rows that are being written, and of those whose keys and values are kept. It limits
# their memory (0.8 GB for SmolLM2 in bfloat16, 4.3 GB for an 8B Llama).
TOKEN_BUDGET = 32_768
PartT = TypeVar("PartT")


class LocalBase:
    """A base model: weights, batcher, compiled grammars, and the adapters and controls opened on it, each once."""

    def __init__(self, weights: Weights, batch_size: int = 16) -> None:
        self.weights = weights
        self.batch_size = batch_size
        self.batcher = Batcher(writer_for(weights, batch_size, TOKEN_BUDGET))
        self._grammars: Grammars | None = None
        self._opened: dict[tuple[str, ...], Any] = {}

    @classmethod
    def load(
        cls,
        name: str,
        *,
        batch_size: int = 16,
        device: str | None = None,
        dtype: str | None = None,
        template: str | None = None,
    ) -> "LocalBase":
        """Load "smollm2" (embedded), a folder, a GGUF file or a Hugging Face id.

        `device` (such as "cpu" or "cuda:0") defaults to a GPU where there is one. `dtype` ("float32", "bfloat16",
        "float16") defaults to the type in which the device computes natively. `template` is a file with a chat template
        in place of the model's own. Raises CocoonError for a model that cannot be loaded.
        """
        return cls(load_weights(name, device, dtype, template), batch_size)

    @property
    def grammars(self) -> Grammars:
        """Return the compiler of schemas for this model's tokenizer."""
        if self._grammars is None:
            weights = self.weights
            self._grammars = Grammars(weights.tokenizer, weights.network.config.vocab_size, weights.eos)
        return self._grammars

    def adapter(self, path: str, parts: Parts | None) -> Adapter:
        """Return the adapter in a folder, loaded at its first use.

        Raises CocoonError for an adapter that does not fit.
        """
        openers = _require_parts(parts, f"+adapter={path}")
        return self._once(("adapter", path), lambda: openers.adapter(self.weights, Path(path).expanduser()))

    def control(self, path: str, options: Mapping[str, str], parts: Parts | None) -> LocalControl:
        """Return the control in a file, applied as `options` say.

        Raises CocoonError for a control that does not fit.
        """
        openers = _require_parts(parts, f"+steer={path}")
        key = ("steer", path, *(f"{name}={value}" for name, value in sorted(options.items())))
        return self._once(key, lambda: openers.control(self.weights, Path(path).expanduser(), options))

    def _once(self, key: tuple[str, ...], open_part: Callable[[], PartT]) -> PartT:
        if key not in self._opened:
            self._opened[key] = open_part()
        return self._opened[key]


def _require_parts(parts: Parts | None, part: str) -> Parts:
    if parts is None:
        raise CocoonError(f"{part!r} cannot be opened here: adapters and steering need the command line, or `parts`")
    return parts
