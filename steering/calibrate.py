"""Finds the coefficient of a question ratio: doses upwards from 0 until speech breaks, then a curve through them.

Ratios are shares of replies with a genuine question, as the detector finds them or, with labels of a reader, as that
reader would. Below the unsteered ratio coefficients are negative.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from pydantic import Field

from cocoon.core.errors import CocoonError
from cocoon.core.local_libraries import require_libraries
from cocoon.core.local_weights import Weights
from cocoon.core.records import Record
from cocoon.steering.behaviour import Arm, Behaviour, Reply, Speaking, behaviour, speak
from cocoon.steering.control import Control
from cocoon.steering.detector import Trust
from cocoon.steering.dose import Dose, Hit, curve_of, invert
from cocoon.steering.situations import Situation

Tell = Callable[[str], None]
# How often the edge of the window is looked for more closely.
_HALVINGS = 2


@dataclass(frozen=True)
class Guards:
    """Where the search stops: a coefficient is outside the window when one of these is passed.

    `nats`: rise of the mean surprise over the unsteered replies', per token. `broken`: share of degenerate replies,
    which must be above this (or above that of the unsteered ones) with the certainty `sure`, so that no small sample
    ends the search by chance. `length`: smallest ratio of the mean length to the unsteered one. `openings`: smallest
    share of distinct openings among genuine questions, looked at from 20 questions on (`questions`).
    """

    nats: float = 1.0
    broken: float = 0.05
    sure: float = 0.9
    length: float = 0.5
    openings: float = 0.15
    questions: int = 20

    def passed(self, one: Behaviour, plain: Behaviour, asked: int) -> str | None:
        """Why a coefficient is outside, or none."""
        if one.broken is not None and _certainty(one, max(self.broken, plain.broken or 0.0)) > self.sure:
            return f"{one.broken:.0%} of the replies are degenerate"
        if one.nats is None or plain.nats is None or one.nats - plain.nats > self.nats:
            return "replies are too unlikely under the unsteered model"
        if one.tokens is not None and plain.tokens and one.tokens < self.length * plain.tokens:
            return "replies are too short"
        few = one.openings is not None and asked >= self.questions and one.openings < self.openings
        return "questions begin alike" if few else None


def _certainty(seen: Behaviour, limit: float) -> float:
    """How certain it is that more than `limit` of such replies are degenerate (Jeffreys), 0 to 1."""
    require_libraries("scipy", extra="steer")
    from scipy.stats import beta

    broken = round((seen.broken or 0.0) * seen.replies)
    return float(beta.sf(limit, broken + 0.5, seen.replies - broken + 0.5))


class Tried(Record):
    """One coefficient with what it did; `outside` says which guard it passed, none inside the window."""

    coefficient: float
    behaviour: Behaviour
    outside: str | None = None


class Found(Record):
    """The coefficient for a target ratio; intervals are 95 %."""

    target: float
    coefficient: float
    interval: tuple[float, float]
    expected: float
    ratio_interval: tuple[float, float]


class Calibration(Record):
    """Targets with their coefficients; `tried` ascends; `window` is the range of coefficients within the guards.

    `reach`: ratios at the window's edges by the fitted curve. `drift`: ratio by turns of the supporter before the
    reply, over all coefficients inside the window. `reader`: the labels by which ratios are corrected, none where they
    are the detector's.
    """

    direction: str | None
    layers: str
    mode: str = "add"
    tokens: str = "reply"
    at: str = "every"
    situations: int
    samples: int
    window: tuple[float, float]
    reach: tuple[float, float]
    tried: list[Tried]
    found: list[Found]
    drift: dict[str, float] = Field(default_factory=dict)
    reader: Trust | None = None
    guards: dict[str, float] = Field(default_factory=dict)


@dataclass
class Search:
    """The doses tried so far, with the replies."""

    weights: Weights
    control: Control
    situations: Sequence[Situation]
    samples: int
    speaking: Speaking
    guards: Guards
    tell: Tell
    replies: list[Reply]
    reader: Trust | None = None

    def speak(self, coefficients: Sequence[float]) -> None:
        """Have all situations answered at new coefficients, in one batch."""
        new = sorted({round(one, 6) for one in coefficients} - self.known)
        if not new:
            return
        arms = [Arm("steered" if one else "plain", one, self.control) for one in new]
        self.replies += speak(self.weights, self.situations, arms, self.samples, self.speaking)
        for one in new:
            found = self.at(one)
            self.tell(
                f"coefficient {one:g}: genuine {found.genuine:.2f}, marked {found.marked:.2f}, "
                f"degenerate {found.broken:.2f}, {found.nats or float('nan'):.2f} nats"
            )

    @property
    def known(self) -> set[float]:
        return {reply.coefficient for reply in self.replies}

    def of(self, coefficient: float) -> list[Reply]:
        return [reply for reply in self.replies if reply.coefficient == coefficient]

    def at(self, coefficient: float) -> Behaviour:
        return behaviour(self.of(coefficient))

    def ratio(self, coefficient: float) -> float:
        """Share of replies with a genuine question, corrected where there are labels."""
        found = self.of(coefficient)
        asks, pasted = np.mean([[one.asks, one.only_marked] for one in found], axis=0)
        return float(asks if self.reader is None else self.reader.precision * asks + self.reader.missed * pasted)

    def dose(self, coefficients: Sequence[float]) -> Dose:
        """What was seen at some coefficients, corrected where there are labels."""
        seen = dose_of(self.replies, coefficients)
        return seen.corrected(self.reader.precision, self.reader.missed) if self.reader else seen

    def outside(self, coefficient: float) -> str | None:
        asked = sum(reply.asking for reply in self.of(coefficient))
        return self.guards.passed(self.at(coefficient), self.at(0.0), asked) if coefficient else None

    def ladder(self, step: float, sign: int, enough: Callable[[float], bool], most: int = 12) -> list[float]:
        """Coefficients from 0 by `step`, two at a time, until a guard is passed or it is `enough`."""
        inside, size = [0.0], step
        while len(inside) <= most:
            following = [inside[-1] + sign * size, inside[-1] + sign * 2 * size]
            self.speak(following)
            for one in (round(value, 6) for value in following):
                if self.outside(one):
                    return [*inside, *self._edge(inside[-1], one)]
                inside.append(one)
                if enough(self.ratio(one)):
                    return inside
        return inside

    def _edge(self, inside: float, outside: float) -> list[float]:
        """Coefficients between the last one inside the guards and the first one outside that are still inside."""
        found: list[float] = []
        for _ in range(_HALVINGS):
            middle = round((inside + outside) / 2, 6)
            self.speak([middle])
            if self.outside(middle):
                outside = middle
            else:
                inside = middle
                found.append(middle)
        return found


def calibrate(
    weights: Weights,
    control: Control,
    situations: Sequence[Situation],
    targets: Sequence[float],
    *,
    samples: int = 2,
    speaking: Speaking | None = None,
    guards: Guards | None = None,
    step: float | None = None,
    tell: Tell | None = None,
    reader: Trust | None = None,
    known: list[Reply] | None = None,
) -> tuple[Calibration, list[Reply]]:
    """The coefficient of every target ratio, with what was tried and all replies.

    `step` (share of the residual norm; default: 0.1 over the number of steered layers) is the distance of doses. With
    a `reader` targets are ratios as that reader would count them. Replies in `known` are not drawn again, and new ones
    are added to it.
    Raises CocoonError for a target that cannot be reached within the guards, with the range that can.
    """
    _check(situations, targets)
    said, replies = tell or (lambda _: None), known if known is not None else list[Reply]()
    search = Search(
        weights, control, situations, samples, speaking or Speaking(), guards or Guards(), said, replies, reader
    )
    size = step if step is not None else round(0.1 / len(control.layers), 4)
    search.speak([0.0])
    inside = search.ladder(size, 1, lambda ratio: ratio > max(targets) + 0.1)
    # The curve may begin above the ratio that was counted at 0.
    if min(targets) < max(search.ratio(0.0), curve_of(search.dose(inside)).reach[0]):
        inside += search.ladder(size, -1, lambda ratio: ratio < min(targets) - 0.05 or ratio == 0.0)
    inside = sorted(set(inside))
    hits = _refined(search, inside, targets)
    return _report(search, inside, hits), search.replies


def _check(situations: Sequence[Situation], targets: Sequence[float]) -> None:
    if len(situations) < 8:
        raise CocoonError(f"{len(situations)} situations are too few to calibrate on; give at least 8")
    if wrong := next((one for one in targets if not 0 <= one <= 1), None):
        raise CocoonError(f"question ratio {wrong:g} is none; give one between 0 and 1")


def _refined(search: Search, inside: list[float], targets: Sequence[float]) -> list[Hit]:
    """The targets' coefficients after a second look around each of them."""
    first = curve_of(search.dose(inside))
    near = [first.inverse(target) for target in targets]
    between = sorted({round(one, 6) for one in near})
    search.speak([one for one in between if inside[0] < one < inside[-1]])
    inside[:] = sorted(one for one in search.known if inside[0] <= one <= inside[-1] and not search.outside(one))
    return invert(dose_of(search.replies, inside), targets, seed=search.speaking.seed, reader=search.reader)


def dose_of(replies: Sequence[Reply], coefficients: Sequence[float]) -> Dose:
    """Replies at some coefficients (ascending) as a table by situation; situations without a reply are left out."""
    own = [reply for reply in replies if reply.coefficient in set(coefficients)]
    place = {name: number for number, name in enumerate(dict.fromkeys(reply.situation for reply in own))}
    column = {one: number for number, one in enumerate(coefficients)}
    asked, pasted, counts = np.zeros((3, len(place), len(column)))
    for reply in own:
        cell = place[reply.situation], column[reply.coefficient]
        asked[cell] += reply.asks
        pasted[cell] += reply.only_marked
        counts[cell] += 1
    whole = np.maximum(counts, 1)
    return Dose(np.array(coefficients), asked / whole, counts.astype(np.int_), pasted / whole)


def _report(search: Search, inside: Sequence[float], hits: Sequence[Hit]) -> Calibration:
    facts = search.control.facts()
    return Calibration(
        direction=facts["direction"],
        layers=facts["layers"],
        mode=facts["mode"],
        tokens=facts["tokens"],
        at=facts["at"],
        situations=len(search.situations),
        samples=search.samples,
        window=(inside[0], inside[-1]),
        reach=curve_of(search.dose(inside)).reach,
        tried=[
            Tried(coefficient=one, behaviour=search.at(one), outside=search.outside(one))
            for one in sorted(search.known)
        ],
        found=[Found(**asdict(hit)) for hit in hits],
        drift=drift([reply for reply in search.replies if reply.coefficient in inside]),
        guards=asdict(search.guards),
        reader=search.reader,
    )


def drift(replies: Sequence[Reply]) -> dict[str, float]:
    """Ratio of replies with a genuine question by how many turns of the supporter stand before: 0, 1-2, 3-5, 6+."""
    parts: dict[str, list[bool]] = {}
    for reply in replies:
        parts.setdefault(_depth(reply.replies), []).append(reply.asks)
    return {name: float(np.mean(parts[name])) for name in ("0", "1-2", "3-5", "6+") if name in parts}


def _depth(before: int) -> str:
    if before == 0:
        return "0"
    return "1-2" if before <= 2 else "3-5" if before <= 5 else "6+"
