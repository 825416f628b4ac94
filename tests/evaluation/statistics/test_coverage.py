"""Intervals of reliability cover what they say, also with few units."""

import numpy as np
import pytest

from cocoon.evaluation.statistics.agreement import krippendorff
from cocoon.evaluation.statistics.reliability import cronbach, intraclass
from cocoon.tests.evaluation.statistics.simulated_ratings import Statistic, coverage, true_value

STATISTICS: dict[str, Statistic] = {
    "ICC(2,1)": lambda table: intraclass(table).single,
    "ICC(2,k)": lambda table: intraclass(table).average,
    "Cronbach": cronbach,
    "alpha": lambda table: krippendorff(table, "interval"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"), [("ICC(2,1)", 0.92), ("ICC(2,k)", 0.92), ("Cronbach", 0.92), ("alpha", 0.86)]
)
@pytest.mark.parametrize("units", [6, 12])
def test_an_interval_covers_the_true_value(name: str, least: float, units: int) -> None:
    """200 tables: a coverage of 0.95 falls below 0.92 in 3 of 100 draws, and the draw is fixed."""
    tables = 200
    truth = true_value(STATISTICS[name], 3, 0.6, tables=20)
    held, known = coverage(STATISTICS[name], truth, units, 3, 0.6, tables)
    assert known == tables and held / known >= least


def test_intervals_of_published_ratings() -> None:
    """Six targets, four judges: Shrout and Fleiss 1979, whose ICC(2,1) is 0.29 with the interval 0.02 to 0.76."""
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = intraclass([list(map(float, row)) for row in table])
    single, average = found.single, found.average
    assert single.low is not None and single.high is not None and average.low is not None and average.high is not None
    assert (round(single.low, 2), round(single.high, 2)) == (0.02, 0.76)
    assert (round(average.low, 2), round(average.high, 2)) == (0.07, 0.93)


@pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS)
def test_perfect_agreement_has_no_interval(statistic: Statistic) -> None:
    table = np.repeat(np.arange(1.0, 7.0)[:, None], 3, axis=1).tolist()
    estimate = statistic(table)
    assert (estimate.value, estimate.low, estimate.high) == (pytest.approx(1), None, None)
