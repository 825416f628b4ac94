"""The trust rules of the guarded user: a named, swappable hypothesis of what makes a person open up.

`attuned` sees what each turn does, and is in `attuned.py`. `naming` looks only at what was named and at pressure, never
at the form of a sentence: a simulator that punished questions by rule would prove what a study of questions wants to
find out. `listening` counts form too. `neutral` is the name under which `naming` was known, and runs that were started
with it keep it. `people` and its draws see what each turn does too, and are in `people.py`. Every report names the
rules it was made under.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from cocoon.agents.users.attuned import ATTUNED, MOST_CREDIT, Ladder, advance, attuned, pace_of
from cocoon.agents.users.people import AnswerPlan, answer_plan, fitted_people, people_gains
from cocoon.core.config import TrustRules
from cocoon.core.records import Appraisal, Profile, UserState

Difficulty = Literal["easy", "normal", "hard"]
Openness = Literal["closed", "wary", "warming", "open"]
Rule = Callable[[Appraisal], float]


@dataclass(frozen=True)
class Preset:
    """How hard a user is to reach, in points of trust: where it starts, where the need opens, where it leaves."""

    start: float
    need_at: float
    leaves_at: float


PRESETS: dict[Difficulty, Preset] = {
    "easy": Preset(start=1, need_at=2, leaves_at=-4),
    "normal": Preset(start=0, need_at=3, leaves_at=-3),
    "hard": Preset(start=-1, need_at=5, leaves_at=-3),
}
_GAIN = {"none": 0.0, "near": 1.0, "accurate": 2.0, "wrong": -1.0}


def naming(appraisal: Appraisal) -> float:
    """Change of trust by accuracy and pressure alone: plain reflection 0, an accurate guess +2, pressing -1 or -2."""
    return _GAIN[appraisal.accuracy] - appraisal.pressure


def listening(appraisal: Appraisal) -> float:
    """As `naming`, and asking costs half a point whatever is asked."""
    return naming(appraisal) - (0.5 if appraisal.asked else 0.0)


def fitted(rules: TrustRules, appraisal: Appraisal) -> float:
    """Change of trust by the move, for the first turn of a talk, under rules that were fitted to people."""
    return people_gains(rules).of(appraisal)


FITTED: tuple[TrustRules, ...] = ("people", "people-1", "people-2", "people-3")
"""Rules that were fitted to people: the middle of the fit, and draws of its uncertainty."""
RULES: dict[TrustRules, Rule] = {"attuned": attuned, "naming": naming, "listening": listening, "neutral": naming}
RULES |= {rules: partial(fitted, rules) for rules in FITTED}


@dataclass(frozen=True)
class TrustGate:
    """Decides what of a profile the user's prompt may contain, from the trust the supporter has earned."""

    difficulty: Difficulty = "normal"
    rules: TrustRules = "attuned"

    @property
    def sees_moves(self) -> bool:
        """Whether the rules need to know what a turn does, and not only what it names."""
        return self.rules == "attuned" or self.plans_answers

    @property
    def plans_answers(self) -> bool:
        """Whether the rules say how long an answer is to be."""
        return self.rules in FITTED

    @property
    def preset(self) -> Preset:
        return PRESETS[self.difficulty]

    def need_at(self, profile: Profile) -> float:
        """Points of trust at which the need opens: the preset's, or for a short chain what naming all of it earns."""
        return min(self.preset.need_at, self.preset.start + MOST_CREDIT * max(1, len(profile.chain)))

    def threshold(self, node: int, profile: Profile) -> float:
        """Points of trust at which a chain node opens: the first is open to all, the need opens last."""
        last = len(profile.chain) - 1
        if node == 0 and last > 0:
            return float("-inf")
        return self.preset.start + (self.need_at(profile) - self.preset.start) * (node / last if last else 1.0)

    def begin(self, profile: Profile) -> UserState:
        """Return the state before the first word."""
        unlocked = self._unlock([], self.preset.start, profile)
        plan = self._plan(None, profile, 0) if self.plans_answers else None
        return UserState(
            trust=self.preset.start, unlocked=unlocked, memories=open_memories(profile, unlocked), plan=plan
        )

    def ladder(self, profile: Profile) -> Ladder:
        """Return the layers of a person, for rules that see moves."""
        nodes = range(len(profile.chain))
        return Ladder(
            thresholds=[self.threshold(node, profile) for node in nodes],
            start=self.preset.start,
            need_at=self.need_at(profile),
            pace=pace_of(profile.id),
            gains=people_gains(self.rules) if self.plans_answers else ATTUNED,
        )

    def step(
        self,
        before: UserState,
        appraisal: Appraisal | None,
        profile: Profile,
        turn: int | None = None,
        answered: bool = False,
    ) -> UserState:
        """Return the state after a supporter turn. An appraisal that could not be read changes nothing.

        `turn` is that turn's index in the dialogue. It is kept for the nodes that it earned. `answered` says whether
        the user's words before it answered the question that came before them.
        """
        if self.sees_moves:
            after = advance(before, appraisal, self.ladder(profile), turn, answered)
            plan = self._plan(appraisal, profile, turn) if self.plans_answers else None
            return after.model_copy(update={"memories": open_memories(profile, after.unlocked), "plan": plan})
        if appraisal is None:
            return before.model_copy(update={"appraisal": None, "newly": [], "pressed": False, "touched_locked": False})
        credit, change = self._earned(before.credit, appraisal)
        trust = before.trust + change
        unlocked = self._unlock(before.unlocked, trust, profile)
        newly = [node for node in unlocked if node not in before.unlocked]
        locked = appraisal.touched is not None and appraisal.touched not in unlocked
        return UserState(
            trust=trust,
            unlocked=unlocked,
            newly=newly,
            memories=open_memories(profile, unlocked),
            credit=credit,
            appraisal=appraisal,
            pressed=appraisal.pressure > 0,
            touched_locked=locked and appraisal.accuracy in ("near", "accurate"),
            earned=self._earning_turns(before, trust, turn, profile),
        )

    def _plan(self, appraisal: Appraisal | None, profile: Profile, turn: int | None) -> AnswerPlan:
        """Return how long the answer to a supporter's turn is to be."""
        move = appraisal.move if appraisal is not None else None
        return answer_plan(fitted_people().rules[self.rules], move, profile.id, (turn or 0) // 2, profile.language)

    def _earning_turns(self, before: UserState, trust: float, turn: int | None, profile: Profile) -> dict[str, int]:
        """Return which turn brought trust to the threshold of each node. A node is lost again until it has opened."""
        reached = [node for node in range(len(profile.chain)) if trust >= self.threshold(node, profile)]
        held = {node: before.earned[str(node)] for node in (*reached, *before.unlocked) if str(node) in before.earned}
        fresh = {} if turn is None else {node: turn for node in reached if node not in before.unlocked}
        return {str(node): index for node, index in sorted((fresh | held).items())}

    def leaves(self, state: UserState) -> bool:
        """Return whether the user has had enough and ends the conversation."""
        return state.trust <= self.preset.leaves_at

    def openness(self, state: UserState, profile: Profile) -> Openness:
        """Return how the user speaks at this trust, in four steps."""
        start, need_at = self.preset.start, self.need_at(profile)
        if state.trust >= need_at:
            return "open"
        if state.trust <= start:
            return "closed"
        return "warming" if state.trust >= (start + need_at) / 2 else "wary"

    def _earned(self, credit: dict[str, float], appraisal: Appraisal) -> tuple[dict[str, float], float]:
        change = RULES[self.rules](appraisal)
        gain = max(0.0, _GAIN[appraisal.accuracy])
        if not gain:
            return credit, change
        name = "none" if appraisal.touched is None else str(appraisal.touched)
        had = credit.get(name, 0.0)
        allowed = max(0.0, min(gain, MOST_CREDIT) - had)
        return {**credit, name: had + allowed}, change - gain + allowed

    def _unlock(self, unlocked: list[int], trust: float, profile: Profile) -> list[int]:
        """At most one further node a turn, in order, so that nothing deep opens before what lies above it."""
        following = len(unlocked)
        if following < len(profile.chain) and trust >= self.threshold(following, profile):
            return [*unlocked, following]
        return unlocked


def open_memories(profile: Profile, unlocked: list[int]) -> list[int]:
    """Return the memories whose chain node is open.

    A memory without a node waits until the need is open, because it may reveal the need.
    """
    last = len(profile.chain) - 1
    nodes = [memory.chain_node if memory.chain_node is not None else last for memory in profile.memory]
    return [index for index, node in enumerate(nodes) if node in unlocked or last < 0]
