"""Static word vectors for a semantic comparison without a network and without a large model.

The vectors (32,000 tokens, 256 dimensions, 16 MB) come with the package `wordllama` (MIT, extra `screen`). Only its
data files are read. The vectors cover Chinese and English, and words rather than sentences.
docs/decisions/semantic-screen.md says what they find.
"""

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cocoon.core.errors import CocoonError
from cocoon.core.extras import install_line

Vectors = npt.NDArray[np.float32]
PACKAGE = "wordllama"
_WEIGHTS, _TOKENIZER = "weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"


def available() -> bool:
    """Return whether the vectors are installed."""
    return _folder() is not None


@functools.cache
def _folder() -> Path | None:
    # The package itself is not imported, because it asks a model hub for files that are already in its folder.
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        return None
    folder = Path(next(iter(package.submodule_search_locations)))
    return folder if all((folder / name).is_file() for name in (_WEIGHTS, _TOKENIZER)) else None


@functools.cache
def _parts() -> tuple[Any, Vectors]:
    folder = _folder()
    if folder is None:
        raise CocoonError(
            f"The semantic screen needs word vectors. Install them with `{install_line('screen')}`, or choose "
            "-o semantic=none"
        )
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    vectors = load_file(folder / _WEIGHTS)["embedding.weight"].astype(np.float32)
    return Tokenizer.from_file(str(folder / _TOKENIZER)), vectors


def embed(texts: Sequence[str]) -> Vectors:
    """Return unit vectors, shape (texts, 256): the mean over the tokens of each text.

    A text without any token has a zero vector.
    """
    tokenizer, vectors = _parts()
    rows = [encoding.ids for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
    means = np.stack([vectors[ids].mean(0) if ids else np.zeros(vectors.shape[1], np.float32) for ids in rows])
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return (means / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def closeness(one: str, other: str) -> float:
    """Return the cosine of two texts, -1 to 1."""
    return float(_vector(one) @ _vector(other))


@functools.lru_cache(maxsize=4096)
def _vector(text: str) -> Vectors:
    # A need is compared with sentence after sentence, and each of the judges of a dialogue reads the same sentences.
    return embed([text])[0]
