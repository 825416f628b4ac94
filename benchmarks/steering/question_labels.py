"""How right is the detector of questions on steered speech? A reader's labels against it, and the ratios they correct.

    python -m cocoon.benchmarks.steering.question_labels --out FOLDER
    python -m cocoon.benchmarks.steering.question_labels --out FOLDER --of replies --silent NUMBERS.txt
        --written LABELS.jsonl

FOLDER is that of `question_ratio`. The second form makes labels of FOLDER/blind_replies.jsonl (or `--of sentences`):
NUMBERS.txt has the numbers (from 1) of those that the reader found to ask nothing.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cocoon.benchmarks.steering.question_ratio import INSTRUCTION
from cocoon.core.jsonl import read_lines, read_records
from cocoon.steering.calibration.behaviour import SampledReply
from cocoon.steering.calibration.calibrate import dose_of
from cocoon.steering.calibration.detector import Label, Trust, read_labels, trust

_MARKED = "?"


def joined(given: argparse.Namespace) -> list[Label]:
    """What was read, with the reader's verdicts and, only now, the coefficients."""
    silent = {int(one) for one in given.silent.read_text("utf-8").split()}
    texts = [line["text"] for _, line in read_lines(given.out / f"blind_{given.of}.jsonl")]
    keys = [line for _, line in read_lines(given.out / f"key_{given.of}.jsonl")]
    return [
        Label(text=text, language="en", genuine=number not in silent, model=given.model, reader="one reader", **key)
        for number, (text, key) in enumerate(zip(texts, keys, strict=True), 1)
    ]


def share(labels: Sequence[Label]) -> dict[str, Any]:
    """How many ask by the reader, with a 95 % interval (Jeffreys)."""
    yes, count = sum(one.genuine for one in labels), len(labels)
    drawn = np.random.default_rng(0).beta(yes + 0.5, count - yes + 0.5, 20_000)
    low, high = np.percentile(drawn, [2.5, 97.5])
    told = [round(float(one), 3) for one in (low, high)]
    return {"genuine": yes, "of": count, "share": round(yes / count, 3) if count else None, "interval": told}


def corrected(replies: Sequence[SampledReply], reader: Trust) -> list[dict[str, Any]]:
    """The ratio at every dose of our direction, the detector's and the reader's, situations and labels drawn anew."""
    own = [one for one in replies if one.label in (INSTRUCTION, "plain")]
    doses = sorted({one.coefficient for one in own})
    dose, drawn = dose_of(own, doses), np.random.default_rng(0)
    rows = drawn.integers(0, len(dose.asked), (2000, len(dose.asked)))
    pairs = reader.draws(2000, drawn)
    seen = np.array([dose.corrected(*pair).ratios(some) for pair, some in zip(pairs, rows, strict=True)])
    low, high = np.percentile(seen, [2.5, 97.5], axis=0)
    best = dose.corrected(reader.precision, reader.missed).ratios()
    parts = zip(doses, dose.ratios(), best, low, high, strict=True)
    names = ("coefficient", "detector", "reader", "low", "high")
    return [dict(zip(names, (round(float(one), 3) for one in row), strict=True)) for row in parts]


def measured(sentences: Sequence[Label], whole: Sequence[Label], replies: Sequence[SampledReply]) -> dict[str, Any]:
    """Everything that is told of the labels."""
    marked = [one for one in sentences if one.text.rstrip("\"'”’) ").endswith(_MARKED)]
    return {
        "sentences with a mark": share(marked),
        "sentences with a mark, by coefficient": by_dose(marked),
        "sentences detected": share([one for one in sentences if one.detected]),
        "sentences with a mark, not detected": share([one for one in marked if not one.detected]),
        "replies detected": share([one for one in whole if one.detected]),
        "replies detected, by coefficient": by_dose([one for one in whole if one.detected]),
        "replies with nothing but marks": share([one for one in whole if not one.detected]),
        "ratios": corrected(replies, trust(whole)),
    }


def by_dose(labels: Sequence[Label]) -> dict[str, Any]:
    """Shares at each coefficient."""
    doses = sorted({one.coefficient for one in labels if one.coefficient is not None})
    return {f"{dose:g}": share([one for one in labels if one.coefficient == dose]) for dose in doses}


def main() -> None:
    """Write labels or print what they say."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--of", choices=("sentences", "replies"), default="replies")
    options.add_argument("--silent", type=Path)
    options.add_argument("--written", type=Path)
    options.add_argument("--model", default="smollm2")
    given = options.parse_args()
    if given.silent is not None:
        given.written.write_text("".join(one.model_dump_json() + "\n" for one in joined(given)), "utf-8")
        return
    replies = list(read_records(given.out / "replies.jsonl", SampledReply))
    told = measured(read_labels("shipped:en:sentences"), read_labels("shipped:en"), replies)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
