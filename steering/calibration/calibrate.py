"""Find the coefficient for a question ratio: raise the dose from 0 until speech breaks, then fit a curve.

Ratios are shares of replies with a genuine question, as the detector counts them. With the labels of a reader, they are
corrected to what that reader would count. Coefficients below the unsteered ratio are negative.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from pydantic import Field, JsonValue

from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.models.local.libraries import require_libraries
from cocoon.models.local.weights import Weights
from cocoon.steering.calibration.behaviour import Arm, Behaviour, SampledReply, Speaking, behaviour, sample_replies
from cocoon.steering.calibration.check import Check
from cocoon.steering.calibration.detector import Trust
from cocoon.steering.calibration.dose import Dose, Hit, curve_of, invert
from cocoon.steering.control.control import Control
from cocoon.steering.pairs.situations import Situation

Tell = Callable[[str], None]
Save = Callable[[Sequence[SampledReply]], None]
ReplyReader = Callable[[Sequence[tuple[Situation, SampledReply]]], Sequence[bool | None]]
"""Has a judge read replies to situations: whether each is coherent, None where its answer is missing."""
# How many times the interval around the edge of the window is halved.
_HALVINGS = 2
# How many replies at each coefficient a judge reads.
_READ = 40


@dataclass(frozen=True)
class Guards:
    """Limits of the search: a coefficient is outside the window as soon as it passes one of them.

    `nats` is the largest rise of the mean surprise over that of the unsteered replies, per token. `broken` is the
    largest share of degenerate replies. It must be exceeded (or that of the unsteered replies, if larger) with the
    certainty `sure`, so that a small sample does not end the search by chance. `length` is the smallest ratio of the
    mean length to the unsteered one. `openings` is the smallest share of distinct openings among genuine questions,
    checked if there are at least `questions` of them (20 by default). `coherent` is how far the share of replies that a
    judge finds coherent may fall below that of the unsteered ones, with the same certainty. Without a judge it is not
    looked at.
    """

    nats: float = 1.0
    broken: float = 0.05
    sure: float = 0.9
    length: float = 0.5
    openings: float = 0.15
    questions: int = 20
    coherent: float = 0.1

    def passed(self, one: Behaviour, plain: Behaviour, asked: int) -> str | None:
        """Return why a coefficient is outside the window, or None if it is inside."""
        if one.broken is not None and _certainty(one, max(self.broken, plain.broken or 0.0)) > self.sure:
            return f"{one.broken:.0%} of the replies are degenerate"
        if one.nats is None or plain.nats is None or one.nats - plain.nats > self.nats:
            return "replies are too unlikely under the unsteered model"
        if one.tokens is not None and plain.tokens and one.tokens < self.length * plain.tokens:
            return "replies are too short"
        if one.openings is not None and asked >= self.questions and one.openings < self.openings:
            return "questions begin alike"
        if one.coherent is not None and _certainty_of_fall(one, plain, self.coherent) > self.sure:
            return f"a judge finds {one.coherent:.0%} of the replies coherent"
        return None


def _certainty(behaviour: Behaviour, limit: float) -> float:
    """Return the probability, 0 to 1, that more than `limit` of such replies are degenerate (Jeffreys prior)."""
    require_libraries("scipy", extra="steer")
    from scipy.stats import beta

    broken = round((behaviour.broken or 0.0) * behaviour.replies)
    return float(beta.sf(limit, broken + 0.5, behaviour.replies - broken + 0.5))


def _certainty_of_fall(one: Behaviour, plain: Behaviour, most: float) -> float:
    """Return the probability, 0 to 1, that fewer replies are coherent by more than `most` (Jeffreys priors)."""
    if one.coherent is None or plain.coherent is None:
        return 0.0
    generator = np.random.default_rng(0)
    shares = [
        generator.beta(share * count + 0.5, (1 - share) * count + 0.5, 20_000)
        for share, count in ((one.coherent, one.judged), (plain.coherent, plain.judged))
    ]
    return float(np.mean(shares[1] - shares[0] > most))


class Tried(Record):
    """One coefficient and how the model behaved. `outside` names the guard it passed, or is None inside the window."""

    coefficient: float
    behaviour: Behaviour
    outside: str | None = None


class Found(Record):
    """The coefficient for a target ratio, with 95 % intervals.

    `expected` and `ratio_interval` are ratios as the target is: a reader's, where there are labels. `detector` is the
    ratio that the detector is expected to count there.
    """

    target: float
    coefficient: float
    interval: tuple[float, float]
    expected: float
    ratio_interval: tuple[float, float]
    detector: float | None = None


class Calibration(Record):
    """Target ratios with their coefficients. `tried` is ascending, and `window` is the range within the guards.

    `reach` holds the ratios of the fitted curve at the edges of the window. `drift` is the ratio by the number of
    supporter turns before the reply, over all coefficients inside the window. `reader` holds the labels by which the
    ratios are corrected, and is None if the ratios are those of the detector. `people` counts those whose moments the
    situations are, and `spoke` says under which prompts and limits the model spoke.
    """

    direction: str | None
    layers: str
    mode: str = "add"
    tokens: str = "reply"
    at: str = "every"
    situations: int
    people: int | None = None
    samples: int
    window: tuple[float, float]
    reach: tuple[float, float]
    tried: list[Tried]
    found: list[Found]
    drift: dict[str, float] = Field(default_factory=dict)
    reader: Trust | None = None
    guards: dict[str, float] = Field(default_factory=dict)
    spoke: dict[str, JsonValue] = Field(default_factory=dict)
    checks: list[Check] = Field(default_factory=list)


@dataclass
class Search:
    """The doses tried so far and their replies."""

    weights: Weights
    control: Control
    situations: Sequence[Situation]
    samples: int
    speaking: Speaking
    guards: Guards
    tell: Tell
    replies: list[SampledReply]
    reader: Trust | None = None
    save: Save | None = None
    read: ReplyReader | None = None

    def speak(self, coefficients: Sequence[float]) -> None:
        """Write the replies that are missing at these coefficients, to all situations, in one batch."""
        counts = Counter(reply.coefficient for reply in self.replies)
        full = len(self.situations) * self.samples
        coefficients_asked = sorted({round(coefficient, 6) for coefficient in coefficients})
        new = [coefficient for coefficient in coefficients_asked if counts[coefficient] < full]
        if not new:
            self._judge(coefficients_asked)
            return
        arms = [Arm("steered" if dose else "plain", dose, self.control) for dose in new]
        self.replies += sample_replies(
            self.weights,
            self.situations,
            arms,
            self.samples,
            self.speaking,
            known={reply.key for reply in self.replies},
            keep=self._keep,
        )
        self._judge(new)
        for dose in new:
            measured = self.at(dose)
            self.tell(
                f"coefficient {dose:g}: genuine {measured.genuine:.2f}, marked {measured.marked:.2f}, "
                f"degenerate {measured.broken:.2f}, {measured.nats or float('nan'):.2f} nats"
            )

    def _judge(self, coefficients: Sequence[float]) -> None:
        """Have a judge read the first replies at these coefficients, those to equal situations at each of them."""
        if self.read is None:
            return
        situations = {situation.id: situation for situation in self.situations}
        chosen = [
            index
            for coefficient in coefficients
            for index in [i for i, reply in enumerate(self.replies) if reply.coefficient == coefficient][:_READ]
            if not self.replies[index].read
        ]
        if not chosen:
            return
        pairs = [(situations[self.replies[index].situation], self.replies[index]) for index in chosen]
        for index, verdict in zip(chosen, self.read(pairs), strict=True):
            self.replies[index] = self.replies[index].model_copy(update={"read": True, "coherent": verdict})
        self._keep([])

    def _keep(self, written: Sequence[SampledReply]) -> None:
        if self.save is not None:
            self.save([*self.replies, *written])

    @property
    def known(self) -> set[float]:
        return {reply.coefficient for reply in self.replies}

    def of(self, coefficient: float) -> list[SampledReply]:
        return [reply for reply in self.replies if reply.coefficient == coefficient]

    def at(self, coefficient: float) -> Behaviour:
        return behaviour(self.of(coefficient))

    def ratio(self, coefficient: float) -> float:
        """Return the share of replies with a genuine question, corrected if there are labels."""
        replies = self.of(coefficient)
        asks, pasted = np.mean([[reply.asks, reply.only_marked] for reply in replies], axis=0)
        return float(asks if self.reader is None else self.reader.ratio(asks, pasted))

    def dose(self, coefficients: Sequence[float]) -> Dose:
        """Return the observations at these coefficients, corrected if there are labels."""
        observed = dose_of(self.replies, coefficients)
        return observed.corrected(self.reader.precision, self.reader.missed) if self.reader else observed

    def outside(self, coefficient: float) -> str | None:
        question_count = sum(reply.asking for reply in self.of(coefficient))
        return self.guards.passed(self.at(coefficient), self.at(0.0), question_count) if coefficient else None

    def ladder(self, step: float, sign: int, enough: Callable[[float], bool], most: int = 12) -> list[float]:
        """Return coefficients from 0 in steps of `step`, two at a time, until a guard is passed or `enough` is true."""
        inside, size = [0.0], step
        while len(inside) <= most:
            following = [inside[-1] + sign * size, inside[-1] + sign * 2 * size]
            self.speak(following)
            for coefficient in (round(dose, 6) for dose in following):
                if self.outside(coefficient):
                    return [*inside, *self._edge(inside[-1], coefficient)]
                inside.append(coefficient)
                if enough(self.ratio(coefficient)):
                    return inside
        return inside

    def _edge(self, inside: float, outside: float) -> list[float]:
        """Return coefficients that are still inside the guards, between the last inside and the first outside."""
        coefficients: list[float] = []
        for _ in range(_HALVINGS):
            middle = round((inside + outside) / 2, 6)
            self.speak([middle])
            if self.outside(middle):
                outside = middle
            else:
                inside = middle
                coefficients.append(middle)
        return coefficients


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
    known: list[SampledReply] | None = None,
    save: Save | None = None,
    read: ReplyReader | None = None,
) -> tuple[Calibration, list[SampledReply]]:
    """Return the coefficient of every target ratio, with everything that was tried and all replies.

    `step` is the distance between doses, as a share of the residual norm (default: 0.1 divided by the number of steered
    layers). With a `reader`, targets are ratios as that reader would count them. Replies in `known` are not written
    again, and new ones are added to the list. `save` is called with all replies after every batch. `read` has a judge
    read replies, for the guard of coherence.
    Raises CocoonError for a target that cannot be reached within the guards, and names the range that can be reached.
    """
    _check(situations, targets)
    progress, replies = tell or (lambda _: None), known if known is not None else list[SampledReply]()
    sampling, limits = speaking or Speaking(), guards or Guards()
    search = Search(weights, control, situations, samples, sampling, limits, progress, replies, reader, save, read)
    size = step if step is not None else round(0.1 / len(control.layers), 4)
    search.speak([0.0])
    inside = search.ladder(size, 1, lambda ratio: ratio > max(targets) + 0.1)
    # The fitted curve may begin above the ratio that was counted at coefficient 0.
    if min(targets) < max(search.ratio(0.0), curve_of(search.dose(inside)).reach[0]):
        inside += search.ladder(size, -1, lambda ratio: ratio < min(targets) - 0.05 or ratio == 0.0)
    inside = sorted(set(inside))
    hits = _refined(search, inside, targets)
    return _report(search, inside, hits), search.replies


def _check(situations: Sequence[Situation], targets: Sequence[float]) -> None:
    if len(situations) < 8:
        raise CocoonError(f"{len(situations)} situations are too few to calibrate on; give at least 8")
    if outlier := next((target for target in targets if not 0 <= target <= 1), None):
        raise CocoonError(f"question ratio {outlier:g} is not a share; give one between 0 and 1")


def _refined(search: Search, inside: list[float], targets: Sequence[float]) -> list[Hit]:
    """Return the coefficients of the targets after writing more replies around each of them."""
    curve = curve_of(search.dose(inside))
    near = [curve.inverse(target) for target in targets]
    between = sorted({round(coefficient, 6) for coefficient in near})
    search.speak([coefficient for coefficient in between if inside[0] < coefficient < inside[-1]])
    inside[:] = sorted(
        coefficient
        for coefficient in search.known
        if inside[0] <= coefficient <= inside[-1] and not search.outside(coefficient)
    )
    return invert(dose_of(search.replies, inside), targets, seed=search.speaking.seed, reader=search.reader)


def dose_of(replies: Sequence[SampledReply], coefficients: Sequence[float]) -> Dose:
    """Count replies at these coefficients (ascending) by whose situation it is, leaving out those without a reply."""
    dose_replies = [reply for reply in replies if reply.coefficient in set(coefficients)]
    owners = dict.fromkeys(reply.owner for reply in dose_replies)
    row = {name: number for number, name in enumerate(owners)}
    column = {coefficient: number for number, coefficient in enumerate(coefficients)}
    asking, pasted, counts = np.zeros((3, len(row), len(column)))
    for reply in dose_replies:
        cell = row[reply.owner], column[reply.coefficient]
        asking[cell] += reply.asks
        pasted[cell] += reply.only_marked
        counts[cell] += 1
    denominator = np.maximum(counts, 1)
    return Dose(np.array(coefficients), asking / denominator, counts.astype(np.int_), pasted / denominator)


def _report(search: Search, inside: Sequence[float], hits: Sequence[Hit]) -> Calibration:
    facts = search.control.facts()
    detected = curve_of(dose_of(search.replies, inside))
    return Calibration(
        direction=facts["direction"],
        layers=facts["layers"],
        mode=facts["mode"],
        tokens=facts["tokens"],
        at=facts["at"],
        situations=len(search.situations),
        people=len({situation.unit for situation in search.situations}),
        samples=search.samples,
        window=(inside[0], inside[-1]),
        reach=curve_of(search.dose(inside)).reach,
        tried=[
            Tried(coefficient=coefficient, behaviour=search.at(coefficient), outside=search.outside(coefficient))
            for coefficient in sorted(search.known)
        ],
        found=[Found(**asdict(hit), detector=detected.at(hit.coefficient)) for hit in hits],
        drift=drift([reply for reply in search.replies if reply.coefficient in inside]),
        guards=asdict(search.guards),
        reader=search.reader,
    )


def drift(replies: Sequence[SampledReply]) -> dict[str, float]:
    """Return the ratio of replies with a genuine question by the number of earlier supporter turns: 0, 1-2, 3-5, 6+."""
    parts: dict[str, list[bool]] = {}
    for reply in replies:
        parts.setdefault(_depth(reply.replies), []).append(reply.asks)
    return {name: float(np.mean(parts[name])) for name in ("0", "1-2", "3-5", "6+") if name in parts}


def _depth(before: int) -> str:
    if before == 0:
        return "0"
    return "1-2" if before <= 2 else "3-5" if before <= 5 else "6+"
