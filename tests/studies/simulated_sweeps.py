"""Sweeps as numbers, drawn at random under a known truth: what steering does, to whom, and what gets lost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cocoon.studies.sweep.cause import NEEDED, family_level
from cocoon.studies.sweep.evidence import conclusions, evidence_of, trends_of
from cocoon.studies.sweep.plan import Placebo, SteerFile, SweepArm, SweepPlan, plan_arms
from cocoon.studies.sweep.records import Observation
from cocoon.studies.sweep.trend import OUTCOMES

DOSES = (0.02, 0.04, 0.06)
RATIOS: Mapping[float, float] = {0.0: 0.1, 0.02: 0.35, 0.04: 0.65, 0.06: 0.9}


@dataclass(frozen=True)
class Truth:
    """What is true of a simulated study.

    `questions`: change of affect when the ratio goes from 0 to 1. `disturbance`: change of affect under any direction
    at the largest coefficient, whose size varies over directions by `spread`. `lost`: chance that a dialogue of low
    affect loses its outcomes at a coefficient above 0.
    """

    questions: float = 0.0
    disturbance: float = 0.0
    spread: float = 0.2
    lost: float = 0.0


TRUTHS: Mapping[str, Truth] = {
    "no effect": Truth(),
    "effect on everything": Truth(disturbance=-1.5),
    "effect of questions alone": Truth(questions=-1.5),
    "missing not at random": Truth(lost=0.5),
}


def plan(random: int = 20) -> SweepPlan:
    """A plan with one direction, `random` random ones, and that of equal surprise."""
    placebo = Placebo([Path(f"/d/random-{number}.safetensors") for number in range(random)], 0.1)
    file = SteerFile("instruction", Path("/d/instruction.safetensors"))
    return SweepPlan(base="m", arms=plan_arms("m", [file], DOSES, {"instruction": placebo}))


def draw_study(truth: Truth, seed: int, profiles: int = 24, random: int = 20) -> tuple[SweepPlan, list[Observation]]:
    """One study of that truth, with all three kinds of user."""
    rng, drawn_plan = np.random.default_rng(seed), plan(random)
    disturbed = {arm.name: truth.disturbance + rng.normal(0, truth.spread) for arm in drawn_plan.arms}
    own = rng.normal(0, truth.spread)
    observations = []
    for user in drawn_plan.users:
        for number in range(profiles):
            level = rng.normal(4, 0.6)
            for arm in drawn_plan.arms:
                effect = disturbed[arm.name] if arm.kind in ("random", "random_nats") else truth.disturbance + own
                observations.append(_observe(rng, truth, user, f"p{number}", arm, level, effect))
    return drawn_plan, observations


def _observe(
    rng: np.random.Generator, truth: Truth, user: str, profile: str, arm: SweepArm, level: float, effect: float
) -> Observation:
    steered = arm.kind in ("steered", "history")
    ratio = float(np.clip(RATIOS.get(arm.coefficient if steered else 0.0, 0.1) + rng.normal(0, 0.08), 0, 1))
    strength = min(1.0, arm.coefficient / DOSES[-1])
    affect = float(np.clip(level + truth.questions * ratio + strength * effect + rng.normal(0, 0.5), 1, 7))
    named = bool(rng.random() < 1 / (1 + np.exp(-(affect - 4))))
    lost = steered and affect < 4 and rng.random() < truth.lost * strength
    observation = Observation(
        user=user,
        arm=arm,
        profile=profile,
        dialogue=f"{profile}.{arm.name}",
        ratio=ratio,
        marked=ratio,
        types={},
        success=named,
        attributed=named,
        affective=affect,
        turned=max(0.0, min(6.0, affect - 1)),
        nats=1.0,
        length=40.0,
        by_turn=(),
    )
    return replace(observation, success=None, attributed=None, affective=None, turned=None) if lost else observation


def sentences_of(drawn_plan: SweepPlan, observations: list[Observation]) -> list[str]:
    """What the report says of causes."""
    level = family_level(len(OUTCOMES))
    trends = {
        (user, "instruction"): trends_of(drawn_plan, observations, user, "instruction", level)
        for user in drawn_plan.users
    }
    return conclusions({"instruction": evidence_of(drawn_plan, observations, trends, "instruction", level)}, NEEDED)


def names_a_cause(sentences: list[str]) -> bool:
    """Whether any of them names a cause."""
    return any("and more than under random directions" in sentence for sentence in sentences)
