"""The rules that see moves: safety and time open a person, and what came too deep too soon can be repaired.

A reflection, and an open question once it was answered, earn trust, each further one on the same layer less. Naming
the next layer earns more. Naming a layer deeper than that, or the need before its time, is a rupture: it costs trust,
closes the way down, and is repaired by attuned moves. What a turn does is judged by its content, so that a question and
a statement of the same content earn the same. Figures are in points of trust.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cocoon.core.records import Appraisal, Move, Rupture, UserState

MOST_CREDIT = 2.0
"""The most that naming one thing can earn in all, so that repeating a right guess opens nothing."""
RUPTURE, REPAIR = 1.0, 0.5
"""What a rupture costs, and how much of it one attuned move gives back."""
READY = 0.6
"""The share of the way to the need that must be earned before naming the need is welcome."""
SLOWEST, FASTEST = 0.5, 1.5
"""How much of a move's gain people take: the bounds between which every person has a place of their own."""
WRONG = -1.0


@dataclass(frozen=True)
class Gains:
    """What each move earns in points of trust when it is made for the first time on a layer.

    `moves` lists the attuned ones (more than 0) and those that cost. A move that is not listed changes nothing.
    `naming` is by accuracy. `fading` is the share of the gain that is left for each further attuned move on a layer.
    With `slope`, the gain of the move of number n (from 0) falls as (1 + n) to the power of `slope` instead.
    """

    moves: Mapping[Move, float]
    naming: Mapping[str, float]
    fading: float
    slope: float | None = None

    def left(self, moves: int) -> float:
        """Return the share of a gain that is left after so many attuned moves on a layer."""
        return self.fading**moves if self.slope is None else (1 + moves) ** self.slope

    def of(self, taken: Appraisal) -> float:
        """Return the change by a first turn that was taken so, an open question as if it were answered."""
        if taken.pressure:
            return -float(taken.pressure)
        if taken.accuracy == "wrong":
            return WRONG
        return self.naming[taken.accuracy] if is_naming(taken) else self.moves.get(taken.move or "other", 0.0)


ATTUNED = Gains(
    moves={
        "simple_reflection": 0.7,
        "complex_reflection": 1.0,
        "open_question": 0.7,
        "self_disclosure": 0.3,
        "probe": -0.5,
    },
    naming={"near": 1.0, "accurate": 1.6},
    fading=0.7,
)


def attuned(appraisal: Appraisal) -> float:
    """Change of trust by the move, for the first turn of a talk. Later ones earn less: see `advance`."""
    return ATTUNED.of(appraisal)


def is_naming(taken: Appraisal) -> bool:
    """Return whether the turn named something unsaid, whatever its form."""
    return taken.accuracy in ("near", "accurate")


def pace_of(person: str) -> float:
    """Return the share of every gain that a person takes, between SLOWEST and FASTEST, the same in every run."""
    place = int.from_bytes(hashlib.sha256(f"pace:{person}".encode()).digest()[:4]) / 2**32
    return SLOWEST + (FASTEST - SLOWEST) * place


@dataclass(frozen=True)
class Ladder:
    """The layers of a person: the trust at which each opens, the trust at the start, and the person's pace."""

    thresholds: Sequence[float]
    start: float
    need_at: float
    pace: float = 1.0
    gains: Gains = field(default=ATTUNED)

    def breaks(self, layer: int, opened: int, trust: float) -> Rupture | None:
        """Return what naming a layer would break, with the first `opened` layers open, or None."""
        if layer < opened or trust >= self.thresholds[layer]:
            return None
        if layer > opened:
            return "too_deep"
        ready = self.start + READY * (self.need_at - self.start)
        return "too_soon" if layer == len(self.thresholds) - 1 and trust < ready else None


@dataclass(frozen=True)
class _Talk:
    """Where the talk stands within a turn. `opening` is the deepest layer that the turn may open."""

    trust: float
    attuned: int
    rupture: float
    credit: Mapping[str, float]
    opening: int = -1
    ruptured: Rupture | None = None

    def earns(self, gain: float, ladder: Ladder, following: int) -> "_Talk":
        """Return the talk after an attuned move: it repairs what is broken, or else earns trust."""
        if self.rupture > 0:
            back = min(self.rupture, REPAIR)
            return replace(self, trust=self.trust + back, rupture=self.rupture - back)
        points = gain * ladder.pace * ladder.gains.left(self.attuned)
        return replace(self, trust=self.trust + points, attuned=self.attuned + 1, opening=max(self.opening, following))

    def names(self, taken: Appraisal, ladder: Ladder, opened: int) -> "_Talk":
        """Return the talk after something unsaid was named."""
        layer, gain = taken.touched, ladder.gains.naming[taken.accuracy]
        if layer is not None and (broken := ladder.breaks(layer, opened, self.trust)):
            return replace(self, trust=self.trust - RUPTURE, rupture=self.rupture + RUPTURE, ruptured=broken)
        if self.rupture > 0:
            return self.earns(gain, ladder, opened)
        name = "none" if layer is None else str(layer)
        had = self.credit.get(name, 0.0)
        points = max(0.0, min(gain * ladder.pace, MOST_CREDIT - had))
        opening = self.opening if layer is None else max(self.opening, layer)
        return replace(self, trust=self.trust + points, credit={**self.credit, name: had + points}, opening=opening)


def advance(before: UserState, taken: Appraisal | None, ladder: Ladder, turn: int | None, answered: bool) -> UserState:
    """Return the state after a supporter's turn, without its memories.

    `answered` says whether the user answered the open question that was waiting. `taken` is None for a turn that could
    not be appraised: then only that answer counts.
    """
    opened = len(before.unlocked)
    talk = _Talk(before.trust, before.attuned, before.rupture, before.credit)
    by_answer = before.question is not None and answered
    if by_answer:
        talk = talk.earns(ladder.gains.moves.get("open_question", 0.0), ladder, opened)
        by_answer = talk.opening == opened < len(ladder.thresholds) and talk.trust >= ladder.thresholds[opened]
    talk = _taken(talk, taken, ladder, opened)
    pressed = taken is not None and taken.pressure > 0
    unlocked = _opened(before.unlocked, talk, ladder) if not pressed and not talk.ruptured else before.unlocked
    newly = [node for node in unlocked if node not in before.unlocked]
    earning = before.question if by_answer else turn
    fresh = {} if earning is None else {str(node): earning for node in newly}
    touched = taken.touched if taken is not None and is_naming(taken) else None
    return UserState(
        trust=round(talk.trust, 3),
        unlocked=unlocked,
        newly=newly,
        memories=[],
        credit={name: round(points, 3) for name, points in talk.credit.items()},
        appraisal=taken,
        pressed=pressed,
        touched_locked=touched is not None and touched not in unlocked,
        earned={**before.earned, **fresh},
        attuned=0 if newly else talk.attuned,
        question=turn if taken is not None and _waits(taken) else None,
        ruptured=talk.ruptured,
        rupture=round(talk.rupture, 3),
    )


def _taken(talk: _Talk, taken: Appraisal | None, ladder: Ladder, opened: int) -> _Talk:
    """Return the talk after the turn itself. An open question earns only with its answer, one turn later."""
    if taken is None or _waits(taken):
        return talk
    if is_naming(taken) and not taken.pressure:
        return talk.names(taken, ladder, opened)
    change = ladder.gains.of(taken)
    if change > 0:
        return talk.earns(change, ladder, opened)
    return replace(talk, trust=talk.trust + change)


def _waits(taken: Appraisal) -> bool:
    """Return whether the turn is an open question and no more, which earns when it is answered."""
    return taken.move == "open_question" and taken.accuracy == "none" and not taken.pressure


def _opened(unlocked: Sequence[int], talk: _Talk, ladder: Ladder) -> list[int]:
    """Return what is open: what was, and what the turn touched with all above it, where trust has come so far."""
    following = len(unlocked)
    layer = min(talk.opening, len(ladder.thresholds) - 1)
    if talk.rupture > 0 or layer < following or talk.trust < ladder.thresholds[layer]:
        return list(unlocked)
    return list(range(layer + 1))
