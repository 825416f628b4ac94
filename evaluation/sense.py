"""Figures of profiles that a judge has read for sense: levels from 1 to 5, which of them are too low, faults found."""

from collections.abc import Iterable

from cocoon.core.records import Profile
from cocoon.evaluation.statistics.estimates import Estimate, mean_over_profiles

IMPLAUSIBLE, IRRELEVANT, UNSURE = "implausible", "irrelevant_step", "sense_not_rated"
SENSELESS = frozenset({IMPLAUSIBLE, IRRELEVANT})


def relevances(profile: Profile) -> list[int | None]:
    """Return the relevance of each step of the chain."""
    return [step.relevance for step in profile.chain[1:]]


def sense_problem(profile: Profile, least_plausible: int, least_relevance: int) -> tuple[str, str] | None:
    """Return (reason in a word, what is wrong) for a profile that makes too little sense.

    None for one with enough sense, and for one that nobody has read.
    """
    levels = relevances(profile)
    if profile.plausible is not None and profile.plausible < least_plausible:
        return IMPLAUSIBLE, f"plausibility {profile.plausible}, at least {least_plausible}"
    low = next((node for node, level in enumerate(levels, 1) if level is not None and level < least_relevance), None)
    if low is not None:
        return IRRELEVANT, f"the step to chain node {low} has relevance {levels[low - 1]}, at least {least_relevance}"
    return None


def sense_notes(profiles: Iterable[Profile], judge: str) -> list[str]:
    """Return the judge's figures on the profiles that it has read, a line each."""
    listed = list(profiles)
    plausible = mean_over_profiles({profile.id: [profile.plausible] for profile in listed})
    steps = mean_over_profiles({profile.id: relevances(profile) for profile in listed})
    return [
        f"Plausibility by {judge}, 1 to 5: {in_words(plausible, 'profiles')}",
        f"Relevance of a step by {judge}, 1 to 5: {in_words(steps, 'steps')}",
    ]


def in_words(estimate: Estimate, things: str) -> str:
    """Return an estimate in words, with its interval and what is missing."""
    if estimate.value is None:
        return f"none of {estimate.missing} {things} could be rated"
    interval = "" if estimate.low is None else f" [{estimate.low:z.2f}, {estimate.high:z.2f}]"
    missing = f", {estimate.missing} missing" if estimate.missing else ""
    return f"{estimate.value:z.2f}{interval}, n = {estimate.n} {things}{missing}"
