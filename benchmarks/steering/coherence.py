"""Do steered replies still make sense? Replies for a reader who does not know which were steered, and their figures.

    python -m cocoon.benchmarks.steering.coherence --talks DIALOGUES.jsonl --direction FILE --out FOLDER
    python -m cocoon.benchmarks.steering.coherence --out FOLDER --labels labels.tsv [--labels other.tsv]

The first call writes `sheet.txt` (numbered replies, each after the end of its talk) and `replies.jsonl` (which is
which): one situation of each talk, answered without steering, at each coefficient, and by a random direction of equal
norm at the largest. The second takes lines of number, fits, role, sense (1 or 0, tab-separated): the reply fits what
was said, it is spoken in the supporter's role, it has a sense of its own. It prints the share of each by arm with
Wilson's interval, and with two readers kappa.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.records import Dialogue
from cocoon.evaluation.statistics.agreement import kappa
from cocoon.evaluation.statistics.estimates import Estimate, wilson
from cocoon.models.local.weights import load_weights
from cocoon.steering.calibration.behaviour import Arm, SampledReply, sample_replies
from cocoon.steering.calibration.on_situations import CalibrateConfig
from cocoon.steering.control.control import open_control
from cocoon.steering.directions.direction import Direction
from cocoon.steering.pairs.situations import Situation, of_dialogue, spread_situations

COEFFICIENTS = (-0.0154, 0.0072, 0.0289, 0.0623)
"""Those of docs/benchmarks.md for the ratios 0.1, 0.3, 0.5 and 0.7."""
QUESTIONS = ("fits", "role", "sense")
_SHOWN = 4
"""Turns of the talk that the reader sees."""
Labels = Mapping[int, Sequence[int]]


def write(talks: Path, direction: Path, out: Path, count: int, coefficients: Sequence[float]) -> int:
    """Write replies and sheet, and return the number of replies."""
    weights = load_weights("smollm2", None, None)
    situations = spread_situations(
        [one for dialogue in read_records(talks, Dialogue) for one in of_dialogue(dialogue)], count
    )
    control = open_control(weights, direction, {})
    chance = replace(control, direction=Direction.random(control.direction, 1))
    arms = [
        Arm("plain"),
        *(Arm(f"asking {one:g}", one, control) for one in coefficients),
        Arm(f"random {max(coefficients):g}", max(coefficients), chance),
    ]
    speaking = CalibrateConfig(ratio=[0.5], prompt="plain", max_tokens=64).speaking
    replies = sample_replies(weights, situations, arms, speaking=replace(speaking, batch_size=32))
    random.Random(0).shuffle(replies)
    out.mkdir(parents=True, exist_ok=True)
    (out / "replies.jsonl").write_bytes(b"".join(map(dump_line, replies)))
    by_id = {situation.id: situation for situation in situations}
    entries = (_entry(number, reply, by_id[reply.situation]) for number, reply in enumerate(replies, 1))
    (out / "sheet.txt").write_text("\n".join(entries), "utf-8")
    return len(replies)


def _entry(number: int, reply: SampledReply, situation: Situation) -> str:
    before = [f"  {turn.role.upper()}: {' '.join(turn.content.split())}" for turn in situation.talk[-_SHOWN:]]
    return "\n".join([f"### {number}", *before, f"REPLY (SUPPORTER): {' '.join(reply.text.split())}", ""])


def read_labels(file: Path) -> Labels:
    """Return the labels of a reader by the number of the reply."""
    lines = (line.split("\t") for line in file.read_text("utf-8").splitlines() if line.strip())
    return {int(number): [int(value) for value in values] for number, *values in lines}


def shares(replies: Sequence[SampledReply], labels: Labels) -> dict[str, dict[str, Estimate]]:
    """Return the share of each question by arm, and of all three together (`all`). Replies without labels are missing.

    Raises ValueError for a line that has not three labels of 0 or 1.
    """
    wrong = [number for number, values in labels.items() if len(values) != len(QUESTIONS) or set(values) - {0, 1}]
    if wrong:
        raise ValueError(f"reply {wrong[0]}: {len(QUESTIONS)} labels of 0 or 1 are needed")
    by_arm: dict[str, list[Sequence[int] | None]] = defaultdict(list)
    for number, reply in enumerate(replies, 1):
        by_arm[reply.label].append(labels.get(number))
    found: dict[str, dict[str, Estimate]] = {}
    for arm, read in sorted(by_arm.items()):
        known = [values for values in read if values is not None]
        counts = {name: sum(values[place] for values in known) for place, name in enumerate(QUESTIONS)}
        counts["all"] = sum(all(values) for values in known)
        found[arm] = {name: wilson(count, len(known), len(read) - len(known)) for name, count in counts.items()}
    return found


def agreement(first: Labels, second: Labels) -> dict[str, float | None]:
    """Return kappa of two readers for each question, over the replies that both read."""
    both = sorted(first.keys() & second.keys())
    return {
        name: kappa([first[one][place] for one in both], [second[one][place] for one in both], "none", (0, 1)).value
        for place, name in enumerate(QUESTIONS)
    }


def _told(one: Estimate) -> str:
    if one.value is None or one.low is None or one.high is None:
        return f"- (n {one.n})"
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def main() -> None:
    """Write the sheet, or print the figures of labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talks", type=Path, help="dialogues as `cocoon corpus import` writes them")
    parser.add_argument("--direction", type=Path)
    parser.add_argument("--situations", type=int, default=50)
    parser.add_argument("--coefficient", type=float, action="append")
    parser.add_argument("--labels", type=Path, action="append", help="what a reader wrote; twice for two readers")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if given.labels is None:
        if given.talks is None or given.direction is None:
            parser.error("give --talks and --direction, or --labels")
        number = write(given.talks, given.direction, given.out, given.situations, given.coefficient or COEFFICIENTS)
        print(f"{number} replies in {given.out}")
        return
    replies, read = list(read_records(given.out / "replies.jsonl", SampledReply)), list(map(read_labels, given.labels))
    for labels in read:
        for arm, found in shares(replies, labels).items():
            print(arm, *(f"{name} {_told(one)}" for name, one in found.items()))
    if len(read) == 2:
        print("kappa", agreement(*read))


if __name__ == "__main__":
    main()
