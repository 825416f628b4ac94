"""Dialogues that are nearly the same: MinHash over runs of characters, each candidate pair then counted exactly.

Memory and time grow with the number of dialogues, not with its square. Bands of Broder's min-wise hashes find a pair of
likeness 0.8 with probability above 0.999; what they propose is checked, so nothing is dropped by chance.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from cocoon.core.records import Dialogue

RUN = 5
_BANDS, _ROWS = 32, 4


def near_duplicates(dialogues: Iterable[Dialogue], likeness: float) -> dict[int, int]:
    """For each dialogue (by place) that is nearly an earlier one, that earlier one's place.

    `likeness` is the share of common runs of five characters (Jaccard), 0 to 1. Only what was spoken counts.
    """
    import numpy as np

    draws = np.random.default_rng(20_250_731)
    factors = draws.integers(0, 1 << 63, _BANDS * _ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = draws.integers(0, 1 << 63, _BANDS * _ROWS, dtype=np.uint64)
    seen: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    texts: dict[int, Any] = {}
    found: dict[int, int] = {}
    for place, dialogue in enumerate(dialogues):
        runs = _runs(dialogue)
        # Multiply-shift: the upper half of a product that wraps is a hash.
        hashes = (runs.astype(np.uint64)[:, None] * factors + offsets) >> np.uint64(32)
        lowest = hashes.min(0).astype(np.uint32).reshape(_BANDS, _ROWS)
        keys = [(band, row.tobytes()) for band, row in enumerate(lowest)]
        candidates = sorted({other for key in keys for other in seen[key]})
        twin = next((other for other in candidates if _shared(texts[other], runs) >= likeness), None)
        if twin is not None:
            found[place] = twin
            continue
        texts[place] = runs
        for key in keys:
            seen[key].append(place)
    return found


def _runs(dialogue: Dialogue) -> Any:
    """Hashes of the different runs of characters in what was spoken, white space aside, sorted."""
    import zlib

    import numpy as np

    text = "".join("".join(turn.content.split()).lower() for turn in dialogue.turns)
    last = max(len(text) - RUN + 1, 1)
    return np.unique(np.array([zlib.crc32(text[at : at + RUN].encode()) for at in range(last)], dtype=np.uint32))


def _shared(one: Any, other: Any) -> float:
    import numpy as np

    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)
