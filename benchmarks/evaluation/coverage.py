"""Coverage of the intervals of reliability, by statistic, units, raters and reliability.

python -m cocoon.benchmarks.evaluation.coverage --tables 1000
"""

import argparse

from cocoon.tests.evaluation.statistics.simulated_ratings import coverage, true_value
from cocoon.tests.evaluation.statistics.test_coverage import STATISTICS


def main() -> None:
    """Print a line a setting: share of intervals that hold the true value, and how many there were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1_000)
    options = parser.parse_args()
    for name, statistic in STATISTICS.items():
        for raters in (2, 3, 6):
            for reliability in (0.3, 0.7):
                truth = true_value(statistic, raters, reliability)
                shares = []
                for units in (6, 10, 20):
                    held, known = coverage(statistic, truth, units, raters, reliability, options.tables)
                    shares.append(f"n {units}: {held / known:.3f} of {known}")
                print(f"{name:9} raters {raters} reliability {reliability}: {', '.join(shares)}", flush=True)


if __name__ == "__main__":
    main()
