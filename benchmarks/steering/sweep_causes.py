"""How often a sweep names a cause where there is one and where there is none: studies of known truth, drawn at random.

python -m cocoon.benchmarks.steering.sweep_causes --studies 200
"""

import argparse

from cocoon.evaluation.statistics.estimates import wilson
from cocoon.tests.studies.simulated_sweeps import TRUTHS, draw_study, names_a_cause, sentences_of


def main() -> None:
    """Print the share of studies that name a cause, by truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    options = parser.parse_args()
    for name, truth in TRUTHS.items():
        named = sum(names_a_cause(sentences_of(*draw_study(truth, seed))) for seed in range(options.studies))
        share = wilson(named, options.studies)
        print(
            f"{name:28} {named:4} of {options.studies}: {share.value:.3f} [{share.low:.3f}, {share.high:.3f}]",
            flush=True,
        )


if __name__ == "__main__":
    main()
