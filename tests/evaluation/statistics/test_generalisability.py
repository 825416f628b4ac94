"""Panels: planted variance components come back, and coefficients and needed n are those of the textbook."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from cocoon.benchmarks.evaluation.panel import PLANTED, SIZES, planted_scores, recovered
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.generalisability import (
    PERMUTATIONS,
    PanelScore,
    PanelVariance,
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


def judged(variances: Mapping[str, Estimate], by_chance: float | None, excess: Estimate) -> PanelVariance:
    nothing = Estimate(value=0.0)
    return PanelVariance(
        components=dict(variances),
        sizes=PANEL,
        by_user=nothing,
        excess=excess,
        coefficient=nothing,
        by_chance=by_chance,
        n=1,
        missing=0,
    )


@pytest.mark.parametrize(
    ("by_chance", "value", "high", "more", "may"),
    [
        (1 - 0.95, 0.0, 0.0, True, True),
        (0.01, 0.5, 0.5, True, True),
        (0.01, -0.5, 0.5, False, True),
        (0.01, -0.5, 0.0, False, True),
        (0.01, -0.5, None, False, True),
        (0.01, None, None, True, True),
        (0.01, -0.5, -0.2, False, False),
        (0.06, 0.5, 0.5, False, False),
        (None, 0.5, 0.5, False, False),
    ],
)
def test_users_move_scores_where_chance_does_not_and_more_where_their_excess_says_so(
    by_chance: float | None, value: float | None, high: float | None, more: bool, may: bool
) -> None:
    panel = judged({}, by_chance, Estimate(value=value, high=high))
    assert (panel.users_move_more, panel.users_may_move_more) == (more, may)


def test_a_component_that_is_not_known_counts_as_nothing() -> None:
    panel = judged({"user": Estimate(value=2.0), "profile": Estimate(value=None)}, None, Estimate(value=0.0))
    assert panel.variances == {"user": 2.0, "profile": 0.0}


def test_negative_variances_count_as_nothing_in_a_coefficient_and_small_ones_count() -> None:
    sizes = {"user": 2.0, "profile": 4.0, "judge": 3.0, "sample": 2.0}
    variances = {"supporter": 0.005, "supporter x judge": 0.003, "dialogue": 0.016, "residual": 0.048, "user": 9.0}
    error = 0.003 / 3 + 0.016 / (2 * 4 * 2) + 0.048 / (2 * 4 * 3 * 2)
    assert coefficient_of(variances, sizes) == pytest.approx(0.005 / (0.005 + error))
    assert coefficient_of({**variances, "supporter x user": -0.4}, sizes) == coefficient_of(variances, sizes)
    assert coefficient_of({**variances, "supporter": -0.001}, sizes) == 0.0


def test_the_profiles_needed_are_those_of_the_formula() -> None:
    sizes = {"user": 2.0, "profile": 7.0, "judge": 3.0, "sample": 2.0}
    variances = {"supporter": 0.5, "supporter x user": 0.1, "supporter x profile": 0.3, "dialogue": 1.2}
    variances |= {"supporter x judge": 0.06, "residual": 2.4, "user": 4.0}
    over = 0.3 + 1.2 / (2 * 2) + 2.4 / (2 * 3 * 2)
    room = 0.5 * (1 - 0.7) / 0.7 - 0.1 / 2 - 0.06 / 3
    assert profiles_needed(variances, sizes, 0.7) == math.ceil(over / room)
    assert profiles_needed(VARIANCES, PANEL) == profiles_needed(VARIANCES, PANEL, 0.8)
    one = dict.fromkeys(sizes, 1.0)
    assert profiles_needed({"supporter": 1.0, "residual": 5.0}, one, 0.5) == 5
    assert profiles_needed({"supporter": 1.0}, one) == 1
    assert profiles_needed({"user": 1.0, "residual": 1.0}, one) is None
    assert profiles_needed({"supporter": 1.0, "supporter x user": 1.0, "residual": 1.0}, one, 0.5) is None


def small_panel(*, supporters: int, users: int, profiles: int, judges: int = 1, samples: int = 1) -> list[PanelScore]:
    sizes = {"supporter": supporters, "user": users, "profile": profiles, "judge": judges, "sample": samples}
    return planted_scores({"supporter": 1.0, "user": 0.3, "residual": 0.5}, sizes, np.random.default_rng(6))


def test_the_sizes_of_a_panel_are_its_levels_and_its_dialogues_of_each_cell() -> None:
    scores = small_panel(supporters=2, users=3, profiles=4, judges=2, samples=2)
    panel = panel_variance([*scores[1:], scores[0]._replace(value=None)])
    assert panel is not None
    assert panel.sizes == {"supporter": 2.0, "user": 3.0, "profile": 4.0, "judge": 2.0, "sample": 2.0}
    assert (panel.n, panel.missing) == (len(scores) - 1, 1) and panel.components["user"].n == panel.n


def test_a_panel_of_one_user_or_one_supporter_has_nothing_where_it_cannot_tell() -> None:
    one_user = panel_variance(small_panel(supporters=3, users=1, profiles=4))
    assert one_user is not None
    assert (one_user.by_user.value, one_user.by_user.low, one_user.by_chance) == (0.0, None, None)
    assert one_user.excess.value == pytest.approx(-one_user.variances["supporter"])
    one_supporter = panel_variance(small_panel(supporters=1, users=3, profiles=4))
    assert one_supporter is not None
    assert one_supporter.excess.value == one_supporter.by_user.value == one_supporter.variances["user"]
    assert one_supporter.coefficient == Estimate(value=None, n=12)
    assert panel_variance(small_panel(supporters=1, users=1, profiles=1, samples=5)) is None


def test_two_levels_of_each_facet_are_enough() -> None:
    panel = panel_variance(small_panel(supporters=2, users=2, profiles=2))
    assert panel is not None and panel.by_chance is not None
    assert panel.components["supporter"].low is not None


def chance_of_users(scores: list[PanelScore], users: int, profiles: int) -> float:
    """Sums of squares of means by supporter and user, with user labels permuted within each profile."""
    rng = np.random.default_rng(20_250_806)
    labels = np.tile(np.arange(users), (profiles, 1))

    def squares(users_of: dict[tuple[int, int], int]) -> float:
        cells: dict[tuple[str, int], list[float]] = {}
        for score in scores:
            user = users_of[names["profile"].index(score.profile), names["user"].index(score.user)]
            cells.setdefault((score.supporter, user), []).append(score.value or 0.0)
        return sum(sum(values) ** 2 / len(values) for values in cells.values())

    names = {facet: sorted({getattr(score, facet) for score in scores}) for facet in ("profile", "user")}
    places = [(profile, user) for profile in range(profiles) for user in range(users)]
    observed = squares({place: place[1] for place in places})
    as_much = 0
    for _ in range(999):
        drawn = rng.permuted(labels, axis=1)
        as_much += squares({place: int(drawn[place]) for place in places}) >= observed - 1e-9
    return (1 + as_much) / 1_000


@pytest.mark.parametrize(("users", "profiles"), [(2, 3), (3, 4)])
def test_the_chance_of_users_is_that_of_999_permutations_within_profiles(users: int, profiles: int) -> None:
    scores = small_panel(supporters=2, users=users, profiles=profiles)
    panel = panel_variance(scores)
    assert panel is not None and panel.by_chance == chance_of_users(scores, users, profiles) > 1 / 1_000


def test_more_than_fifty_profiles_are_left_out_in_fifty_groups() -> None:
    scores = small_panel(supporters=2, users=2, profiles=53)
    panel = panel_variance(scores)
    names = sorted({score.profile for score in scores})
    parts = [
        crossed_components([score for score in scores if names.index(score.profile) % 50 != group])
        for group in range(50)
    ]
    left_out = np.array([part["residual"] for part in parts if part])
    assert panel is not None and len(left_out) == 50
    half = stats.t.ppf(0.975, 49) * math.sqrt(49 * left_out.var())
    found = panel.components["residual"]
    assert found.value is not None and found.low == pytest.approx(found.value - half)


def test_the_interval_of_a_coefficient_ends_at_nothing_and_at_one() -> None:
    panel = panel_variance(small_panel(supporters=2, users=2, profiles=3))
    assert panel is not None
    assert (panel.coefficient.low, panel.coefficient.high) == (0.0, 1.0)
