"""What a comparison of two sides consists of. Every difference is second minus first."""

from typing import Literal

from pydantic import ConfigDict

from cocoon.core.records import Record
from cocoon.evaluation.statistics.estimates import Bounds, Estimate
from cocoon.evaluation.statistics.paired import Significance


class _Frozen(Record):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Frozen):
    """What is compared: a dimension of a scale, or a success rate, whose `dimension` is empty."""

    label: str
    scale: str
    dimension: str = ""
    better: Literal["higher", "lower"] = "higher"
    digits: int = 2


class Effect(_Frozen):
    """One column on both sides, over the people whose value is known on both.

    `first` and `second`: the values of the sides, where `missing` counts draws of paired people without a value.
    `difference`: n is the number of people, and `missing` counts people left out because a side has no value at all.
    `p_holm` is corrected over the columns of one comparison. `spread` is the standard deviation of people's differences
    (only for means, and None for fewer than two people). Success rates add the range that missing verdicts leave
    possible, over all pairs. With one draw per profile, they also add how many people only one of the sides succeeded
    with.
    """

    column: Column
    first: Estimate
    second: Estimate
    difference: Estimate
    significance: Significance | None
    p_holm: float | None = None
    spread: float | None = None
    only_first: int | None = None
    only_second: int | None = None
    bounds_first: Bounds | None = None
    bounds_second: Bounds | None = None
    bounds_difference: Bounds | None = None


class Comparison(_Frozen):
    """Two sides under one judge, for people with a need or for people without.

    `pairs` counts people on both sides, and `crossed` counts those of them compared across two languages. `unpaired_*`
    count profiles that only one side has. `prompts` are lines such as `comfort (en): judge/scale 0a1b`.
    """

    first: str
    second: str
    judge: str
    need: str
    pairs: int
    crossed: int
    unpaired_first: int
    unpaired_second: int
    prompts: list[str]
    notes: list[str]
    effects: list[Effect]
