"""Keep the keys and values of rows that are written, so that a dialogue's next prompt reads its new tokens alone."""

from collections.abc import Iterable, Sequence
from typing import Any

from cocoon.models.local.decoding.rows import RowCache
from cocoon.models.local.template import common_length


class KeptCaches:
    """The caches of finished rows, the least recently used first. `trim` limits their size."""

    def __init__(self) -> None:
        self._caches: list[RowCache] = []

    def __len__(self) -> int:
        return len(self._caches)

    @property
    def size(self) -> int:
        """Return the number of tokens that there is memory for."""
        return sum(cache.capacity for cache in self._caches)

    def add(self, cache: RowCache) -> None:
        """Keep what a finished row has read, as far as no control changed it."""
        cache.cut()
        # A dialogue's later turn contains its earlier ones.
        self._caches = [old for old in self._caches if shared_length(old, cache.adapter, cache.ids) < len(old.ids)]
        if cache.ids:
            self._caches.append(cache)

    def longest(self, adapter: Any, ids: Sequence[int], others: Iterable[RowCache] = ()) -> tuple[RowCache | None, int]:
        """Return the cache, a kept one or one of `others`, that begins with most of `ids`, and how many those are."""
        lengths = [(shared_length(cache, adapter, ids), cache) for cache in (*self._caches, *others)]
        length, cache = max(lengths, key=lambda pair: pair[0], default=(0, None))
        if cache in self._caches:
            self._caches.remove(cache)
            self._caches.append(cache)
        return (cache, length) if length else (None, 0)

    def trim(self, size: int) -> None:
        """Drop the least recently used caches until at most `size` tokens are kept."""
        while self._caches and self.size > size:
            self._caches.pop(0)

    def clear(self) -> None:
        """Drop all."""
        self._caches.clear()


def shared_length(cache: RowCache, adapter: Any, ids: Sequence[int]) -> int:
    """Return how many tokens of `cache` a row of `ids` under `adapter` may use."""
    if cache.adapter is not adapter:
        return 0
    length = common_length(cache.ids, ids)
    return length if cache.clean is None else min(length, cache.clean)
