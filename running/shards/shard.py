"""A shard: one of several parts of a run's people, which a process of its own works on in a folder of its own.

Who belongs to which shard depends on the order of the people alone, so that a longer list leaves everybody where they
were. Neither seeds nor names nor the order of a dialogue depend on it.
"""

import hashlib
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import orjson

from cocoon.core.config import BudgetConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_json_record, write_whole
from cocoon.core.records import Language, Record

ItemT = TypeVar("ItemT")
SHARD = "shard.json"
MOST_SHARDS = 10_000
_WRITTEN = re.compile(r"(any|[1-9]\d{0,4})/([1-9]\d{0,4})")


@dataclass(frozen=True)
class Shard:
    """Part `index` of `count`, counted from 1. Without an index it is whichever part is free."""

    index: int | None
    count: int

    @classmethod
    def of(cls, text: str | None) -> "Shard | None":
        """Return the shard that a text such as `2/8` or `any/8` names, None for None.

        Raises CocoonError for a text that names none.
        """
        if text is None:
            return None
        match = _WRITTEN.fullmatch(text.strip())
        index = None if match is None or match[1] == "any" else int(match[1])
        if match is None or int(match[2]) > MOST_SHARDS or (index or 1) > int(match[2]):
            raise CocoonError(f"shard {text!r}: write which part of how many (at most {MOST_SHARDS}): 2/8, or any/8")
        return cls(index, int(match[2]))

    def __str__(self) -> str:
        return f"{self.index or 'any'}/{self.count}"

    @property
    def leads(self) -> bool:
        """Whether it does what a run does once, such as measuring its appraiser."""
        return self.index == 1

    def part_of(self, items: Sequence[ItemT], person: Callable[[ItemT], Hashable]) -> list[ItemT]:
        """Return the items of the shard's people, in their order. `person` tells whose an item is.

        Raises CocoonError where there are fewer people than shards.
        """
        people: dict[Hashable, int] = {}
        for item in items:
            people.setdefault(person(item), len(people))
        if len(people) < self.count:
            raise CocoonError(f"shard {self}: there are only {len(people)} people to share out. Give fewer shards.")
        return [item for item in items if self.holds(people[person(item)])]

    def holds(self, position: int) -> bool:
        """Return whether the person at a position belongs to the shard. Everybody belongs to any."""
        return self.index is None or position % self.count == self.index - 1

    def share_of(self, budget: BudgetConfig) -> BudgetConfig:
        """Return the part of a run's budget that one shard may spend, so that all together never spend more."""
        return BudgetConfig(
            calls=None if budget.calls is None else self._share(budget.calls),
            tokens=None if budget.tokens is None else self._share(budget.tokens),
            money=None if budget.money is None else budget.money / self.count,
        )

    def _share(self, limit: int) -> int:
        return (limit + self.count - (self.index or self.count)) // self.count


def part_size(text: str | None, items: int) -> int:
    """Return how many of so many items are of the shard that a text names, all of them for None."""
    shard = Shard.of(text)
    return items if shard is None else len(shard.part_of(range(items), int))


class ShardPlan(Record):
    """What a shard's folder holds of the whole run: which part, and where its items stand among all.

    `run` is a hash of the names of all items of the run in their order and of what they are made from. `languages` are
    those of all people. What needs all items of the run at once is `undecided` until the shards are merged.
    """

    index: int
    count: int
    run: str
    total: int
    positions: dict[str, int]
    languages: list[Language] = []
    undecided: bool = False


def keep_shard(
    out: Path,
    shard: Shard | None,
    order: Sequence[str],
    mine: Iterable[str],
    contents: Iterable[str] = (),
    *,
    languages: Sequence[Language] = (),
    undecided: bool = False,
) -> None:
    """Write down which items of a run, given in their order, a folder holds. Without a shard nothing is written.

    `contents` are what all items of the run are made from.
    """
    if shard is None:
        return
    if shard.index is None:
        raise CocoonError(f"shard {shard}: only a worker takes what is free. Name a part, such as 1/{shard.count}.")
    position = {name: number for number, name in enumerate(order)}
    plan = ShardPlan(
        index=shard.index,
        count=shard.count,
        run=texts_sha([*order, *contents]),
        total=len(order),
        positions={name: position[name] for name in mine},
        languages=list(languages),
        undecided=undecided,
    )
    write_whole(out / SHARD, [orjson.dumps(plan.model_dump(mode="json"), option=orjson.OPT_INDENT_2), b"\n"])


def texts_sha(texts: Iterable[str]) -> str:
    """Return a hash of texts in their order."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def read_shard(run: Path) -> ShardPlan | None:
    """Return what a folder holds of a run, or None for a folder that is no shard."""
    return read_json_record(run / SHARD, ShardPlan, "give the shard's command again")
