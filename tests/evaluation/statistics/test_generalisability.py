"""Panels: planted variance components come back, and coefficients and needed n are those of the textbook."""

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from cocoon.benchmarks.evaluation.panel import PLANTED, SIZES, planted_scores, recovered
from cocoon.evaluation.statistics.generalisability import (
    PERMUTATIONS,
    PanelScore,
    coefficient_of,
    crossed_components,
    panel_variance,
    profiles_needed,
)

# A design with supporters, users and profiles, one judge and one dialogue of each.
VARIANCES = {
    **{"supporter": 1.0, "user": 3.0, "profile": 2.0, "supporter x user": 0.4, "supporter x profile": 0.6},
    **{"user x profile": 0.5, "residual": 2.4},
}
PANEL = {"user": 2.0, "profile": 10.0, "judge": 1.0, "sample": 1.0}


def test_planted_variance_components_come_back_within_15_percent() -> None:
    means = recovered(studies=200, seed=3)
    assert {name: means[name] for name in PLANTED} == {
        name: pytest.approx(variance, rel=0.15) for name, variance in PLANTED.items()
    }


def test_components_are_the_same_when_a_tenth_of_the_scores_is_missing() -> None:
    complete, means = (recovered(studies=50, seed=5, missing=missing) for missing in (0.0, 0.1))
    assert {name: means[name] for name in PLANTED} == {
        name: pytest.approx(complete[name], rel=0.15) for name in PLANTED
    }


def test_a_coefficient_leaves_out_what_all_supporters_share() -> None:
    error = 0.4 / 2 + 0.6 / 10 + 2.4 / 20
    assert coefficient_of(VARIANCES, PANEL) == pytest.approx(1 / (1 + error))
    assert coefficient_of({**VARIANCES, "user": 300.0}, PANEL) == coefficient_of(VARIANCES, PANEL)
    assert coefficient_of({"user": 1.0}, PANEL) is None


def test_the_number_of_profiles_needed_is_the_first_that_reaches_the_target() -> None:
    needed = profiles_needed(VARIANCES, PANEL, 0.8)
    assert needed is not None

    def with_profiles(number: int) -> float:
        return coefficient_of(VARIANCES, {**PANEL, "profile": float(number)}) or 0.0

    assert with_profiles(needed) >= 0.8 > with_profiles(needed - 1)
    assert profiles_needed(VARIANCES, {**PANEL, "user": 1.0}, 0.8) is None


def table(changes: Mapping[str, float]) -> list[PanelScore]:
    """Scores of 4 supporters, 3 users and 30 profiles with some planted components and a little noise."""
    return planted_scores(
        {"residual": 0.1, **changes},
        {"supporter": 4, "user": 3, "profile": 30, "judge": 1, "sample": 1},
        np.random.default_rng(2),
    )


def test_a_panel_says_whether_users_or_supporters_move_the_scores() -> None:
    by_users, by_supporters = panel_variance(table({"user": 9.0})), panel_variance(table({"supporter": 9.0}))
    assert by_users is not None and by_users.users_move_more
    assert by_supporters is not None and not by_supporters.users_may_move_more


def test_users_without_an_effect_rarely_raise_an_alarm() -> None:
    draw, sizes = np.random.default_rng(1), {"supporter": 4, "user": 3, "profile": 8, "judge": 1, "sample": 1}
    panels = [panel_variance(planted_scores({"profile": 0.5, "residual": 1.0}, sizes, draw)) for _ in range(40)]
    assert sum(panel is not None and panel.users_may_move_more for panel in panels) <= 5


def test_what_a_design_cannot_separate_stands_in_the_residual() -> None:
    found = crossed_components(table({"supporter": 1.0}))
    assert found is not None and set(found) == {
        *("supporter", "user", "profile", "supporter x user", "supporter x profile", "user x profile", "residual"),
    }
    twice = crossed_components(planted_scores(PLANTED, {**SIZES, "sample": 2}, np.random.default_rng(0)))
    assert twice is not None and {"dialogue", "supporter x user x profile x judge"} <= set(twice)


def test_a_panel_without_scores_or_without_variation_has_no_components() -> None:
    assert panel_variance([]) is None and crossed_components([]) is None
    assert panel_variance([PanelScore("s", "u", "p", "j", 0, None)]) is None
    assert panel_variance([PanelScore("s", "u", "p", "j", 0, 1.0)]) is None


def test_what_is_told_of_a_panel_is_made_of_its_components() -> None:
    panel = panel_variance(table({"supporter": 2.0, "user": 0.5, "supporter x user": 0.5}))
    assert panel is not None
    variances = panel.variances
    by_user = variances["user"] + variances["supporter x user"]
    assert panel.by_user.value == pytest.approx(by_user)
    assert panel.excess.value == pytest.approx(by_user - variances["supporter"])
    assert panel.coefficient.value == pytest.approx(coefficient_of(variances, panel.sizes))
    low, value, high = panel.coefficient.low, panel.coefficient.value, panel.coefficient.high
    assert low is not None and value is not None and high is not None and 0 <= low < value < high <= 1
    for estimate in (panel.by_user, panel.excess):
        assert estimate.low is not None and estimate.high is not None
        assert estimate.value == pytest.approx((estimate.low + estimate.high) / 2)


def test_users_that_no_permutation_matches_have_the_least_probability() -> None:
    panel = panel_variance(table({"user": 9.0}))
    assert panel is not None and panel.by_chance == 1 / (1 + PERMUTATIONS)


def test_one_user_says_nothing_of_users() -> None:
    one = [score for score in table({"supporter": 2.0}) if score.user == table({})[0].user]
    panel = panel_variance(one)
    assert panel is not None and panel.by_chance is None


def test_an_interval_of_a_panel_is_that_of_the_jackknife() -> None:
    scores = [score for score in table({"profile": 1.0, "supporter": 1.0}) if score.profile in ("p000", "p001", "p002")]
    panel = panel_variance(scores)
    assert panel is not None
    names = sorted({score.profile for score in scores})
    parts = [crossed_components([score for score in scores if score.profile != name]) for name in names]
    left_out = np.array([part["supporter"] for part in parts if part])
    error = np.sqrt((len(names) - 1) / len(names) * ((left_out - left_out.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, len(names) - 1) * error
    found, value = panel.components["supporter"], panel.variances["supporter"]
    assert (found.low, found.high) == (pytest.approx(value - half), pytest.approx(value + half))
