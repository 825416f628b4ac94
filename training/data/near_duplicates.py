"""Find dialogues that are nearly the same: MinHash over runs of characters, then an exact count for each candidate.

Memory and time grow with the number of dialogues, not with its square. Bands of Broder's min-wise hashes find a pair of
likeness 0.8 with probability above 0.999. Every candidate is checked, so nothing is dropped by chance.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from cocoon.core.records import Dialogue

RUN = 5
_BANDS, _ROWS = 32, 4


def near_duplicates(dialogues: Iterable[Dialogue], likeness: float) -> dict[int, int]:
    """Return the index of the earlier dialogue for each dialogue (by index) that nearly repeats it.

    `likeness` is the share of common runs of five characters (Jaccard), 0 to 1. Only what was spoken counts.
    """
    import numpy as np

    draws = np.random.default_rng(20_250_731)
    factors = draws.integers(0, 1 << 63, _BANDS * _ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = draws.integers(0, 1 << 63, _BANDS * _ROWS, dtype=np.uint64)
    buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    texts: dict[int, Any] = {}
    duplicate_of: dict[int, int] = {}
    for index, dialogue in enumerate(dialogues):
        runs = _runs(dialogue)
        # Multiply-shift hashing: the upper half of a product that overflows is a hash.
        hashes = (runs.astype(np.uint64)[:, None] * factors + offsets) >> np.uint64(32)
        lowest = hashes.min(0).astype(np.uint32).reshape(_BANDS, _ROWS)
        keys = [(band, row.tobytes()) for band, row in enumerate(lowest)]
        candidates = sorted({earlier for key in keys for earlier in buckets[key]})
        twin = next((earlier for earlier in candidates if _shared(texts[earlier], runs) >= likeness), None)
        if twin is not None:
            duplicate_of[index] = twin
            continue
        texts[index] = runs
        for key in keys:
            buckets[key].append(index)
    return duplicate_of


def _runs(dialogue: Dialogue) -> Any:
    """Return sorted hashes of the distinct runs of characters in what was spoken, without white space."""
    import zlib

    import numpy as np

    text = "".join("".join(turn.content.split()).lower() for turn in dialogue.turns)
    last = max(len(text) - RUN + 1, 1)
    return np.unique(
        np.array([zlib.crc32(text[start : start + RUN].encode()) for start in range(last)], dtype=np.uint32)
    )


def _shared(first_runs: Any, second_runs: Any) -> float:
    import numpy as np

    common = len(np.intersect1d(first_runs, second_runs, assume_unique=True))
    return common / (len(first_runs) + len(second_runs) - common)
