"""The figures of docs/guide/likeness.md and fidelity.md: how the yardstick of people and the detectors of flags do.

    python -m cocoon.benchmarks.evaluation.user_likeness --data FOLDER [--splits 200]

FOLDER holds the corpora as their authors publish them. One that is not there is left out. Printed are the share of
splits in which people lie inside their own yardstick (halves, and fifty against the rest), by which measures users are
told that were planted wrong at fifty talks, how often people and their supporters are told to invert the roles, and the
scores on the labelled turns.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from cocoon.benchmarks.evaluation.planted_users import PLANTED, against, measured, split
from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.fidelity.flags.inversion import inverts_roles
from cocoon.tests.evaluation.flags.labelled_turns import Half, labelled_flags, score, tell

CORPORA = {
    "annomi": "annomi/annomi_even.csv",
    "esconv": "multiesc_esconv/valid.jsonl",
    "esconv-failed": "esconv/FailedESConv.json",
    "smile": "smile/smilechat_sample1228.jsonl",
}
MOST, FIFTY = 300, 50


def yardsticks(dialogues: Sequence[Dialogue], splits: int) -> None:
    """Print in how many splits people lie inside, and by what the planted users are told."""
    talks = measured(dialogues)
    for size in sorted({len(talks) // 2, min(FIFTY, len(talks) // 2)}):
        inside = sum(not against(*split(talks, size, seed)).outside for seed in range(splits))
        print(f"  {size} people against {len(talks) - size}: inside in {inside} of {splits} splits", flush=True)
    size = min(FIFTY, len(talks) // 2)
    drawn, _ = split(talks, size, 0)
    names = {talk.profile for talk in drawn}
    rest = [talk for talk in talks if talk.profile not in names]
    for name, planted in PLANTED.items():
        outside = against(measured(planted([one for one in dialogues if one.id in names])), rest).outside
        told = ", ".join(f"{measure.measure} {measure.ratio:.1f}" for measure in outside[:4])
        print(f"  planted {name} ({size} talks): {len(outside)} measures outside ({told})", flush=True)


def inversions(dialogues: Sequence[Dialogue]) -> None:
    """Print how many turns, and talks, of each side are told to invert the roles."""
    for role in ("user", "supporter"):
        talks = [[inverts_roles(t.content, one.language) for t in one.turns if t.role == role] for one in dialogues]
        turns = [told for talk in talks for told in talk]
        share, of_talks = sum(turns) / len(turns), sum(map(any, talks)) / len(talks)
        print(f"  role inverted, turns of the {role}: {share:.3f} of {len(turns)}, talks with one: {of_talks:.3f}")


def main() -> None:
    """Print everything for each corpus at hand, then the scores on the labelled turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=200)
    options = parser.parse_args()
    for corpus, file in CORPORA.items():
        if (options.data / file).exists():
            dialogues = list(read_corpus(corpus, options.data / file, MOST).dialogues)
            print(f"{corpus}: {len(dialogues)} talks")
            yardsticks(dialogues, options.splits)
            inversions(dialogues)
    for half in get_args(Half):
        told = tell(half)
        flags = labelled_flags(half)
        by_flag = ", ".join(f"{flag} {score(told, [flag]).f1:.3f}" for flag in flags)
        print(f"labelled turns, {half}: F1 {score(told, flags).f1:.3f} of {len(told)} turns ({by_flag})")


if __name__ == "__main__":
    main()
