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
def _parts() -> tuple[Any, npt.NDArray[np.float16]]:
    folder = _folder()
    if folder is None:
        raise CocoonError(
            f"The semantic screen needs word vectors. Install them with `{install_line('screen')}`, or choose "
            "-o semantic=none"
        )
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / _TOKENIZER)), load_file(folder / _WEIGHTS)["embedding.weight"]


def embed(texts: Sequence[str]) -> Vectors:
    """Return unit vectors, shape (texts, 256): the mean over the tokens of each text.

    A text without any token has a zero vector.
    """
    tokenizer, vectors = _parts()
    rows = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
    sums = np.zeros((len(rows), vectors.shape[1]), np.float32)
    filled = [number for number, ids in enumerate(rows) if ids]
    if filled:
        starts = np.cumsum([0, *(len(rows[number]) for number in filled[:-1])])
        found = vectors[np.concatenate([rows[number] for number in filled])].astype(np.float32)
        sums[filled] = np.add.reduceat(found, starts)
    # A mean has the direction of its sum.
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return sums / np.where(lengths > 0, lengths, 1.0).astype(np.float32)


def closeness(one: str, other: str) -> float:
    """Return the cosine of two texts, -1 to 1."""
    return cosines([one], other)[0]


def cosines(texts: Sequence[str], other: str) -> list[float]:
    """Return the cosine of each text with another one, -1 to 1."""
    return (embed(texts) @ _vector(other)).tolist()


@functools.lru_cache(maxsize=1024)
def _vector(text: str) -> Vectors:
    # A need is compared with sentence after sentence.
    return embed([text])[0]
