"""Does a calibrated model ask as often as it was told to, in talks that calibration has not seen?

    python -m cocoon.benchmarks.steering.calibration --talks DIALOGUES.jsonl --direction FILE --out FOLDER
        [--labels shipped:en]

Calibrates on one part of the talks (one situation a talk, half of them after 3 turns of the supporter or more) and has
the calibrated coefficients answer the other part, `--samples` replies each: error per target, drift by turn. Coverage:
random halves of the situations calibrated on foretell the ratio of the other half; how often does the interval hold it.
With labels, ratios are those that the reader would count. Replies go to FOLDER/*.jsonl; a second call goes on from
what is there.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.models.local.weights import Weights, load_weights
from cocoon.steering.calibration.behaviour import Arm, SampledReply, Speaking, behaviour, sample_replies
from cocoon.steering.calibration.calibrate import Calibration, Tell, calibrate, dose_of, drift
from cocoon.steering.calibration.detector import Trust, read_labels, trust
from cocoon.steering.calibration.dose import Dose, curve_of, invert
from cocoon.steering.control.control import Control
from cocoon.steering.directions.direction import Direction
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import LATE, Situation, check_apart, marks, read_situations, spread_situations

TARGETS = (0.1, 0.3, 0.5, 0.7)


def ratio_of(replies: Sequence[SampledReply], reader: Trust | None) -> float:
    """Share of replies with a genuine question, as the reader would count it."""
    asks = float(np.mean([one.asks for one in replies]))
    marked = float(np.mean([one.only_marked for one in replies]))
    return asks if reader is None else reader.precision * asks + reader.missed * marked


def errors(made: Calibration, replies: Sequence[SampledReply]) -> list[dict[str, Any]]:
    """Target beside what the calibrated coefficient did on unseen situations."""
    rows: list[dict[str, Any]] = []
    for found in made.found:
        own = [reply for reply in replies if reply.coefficient == found.coefficient]
        seen, achieved = behaviour(own), ratio_of(own, made.reader)
        low, high = found.ratio_interval
        rows.append(
            {
                "target": found.target,
                "coefficient": found.coefficient,
                "interval": found.interval,
                "foretold": found.ratio_interval,
                "achieved": achieved,
                "inside": low <= achieved <= high,
                "error": abs(achieved - found.target),
                "marked": seen.marked,
                "degenerate": seen.broken,
                "replies": seen.replies,
                "drift": drift(own),
            }
        )
    return rows


def coverage(dose: Dose, reader: Trust | None, splits: int = 20) -> dict[str, Any]:
    """How often the foretold interval holds the ratio of the other half, over random halves of the situations.

    What the other half does at the coefficient that a half gives is read off its own doses on both sides of it.
    """
    plain = dose.corrected(reader.precision, reader.missed) if reader else dose
    drawn, held, tried, off = np.random.default_rng(0), 0, 0, 0
    for _ in range(splits):
        order = drawn.permutation(len(dose.asked))
        half, other = order[: len(order) // 2], order[len(order) // 2 :]
        own = Dose(
            dose.coefficients,
            dose.asked[half],
            dose.counts[half],
            dose.pasted[half] if dose.pasted is not None else None,
        )
        low, high = curve_of(own.corrected(reader.precision, reader.missed) if reader else own).reach
        wanted = [target for target in TARGETS if low <= target <= high]
        off += len(TARGETS) - len(wanted)
        for hit in invert(own, wanted, draws=300, fresh=len(other), reader=reader):
            seen = float(np.interp(hit.coefficient, dose.coefficients, plain.ratios(other)))
            held += hit.ratio_interval[0] <= seen <= hit.ratio_interval[1]
            tried += 1
    return {
        "splits": splits,
        "targets": tried,
        "out_of_reach": off,
        "covered": held / tried if tried else None,
        "situations": len(dose.asked),
    }


def kept(path: Path, replies: Sequence[SampledReply]) -> None:
    """Write replies."""
    path.write_text("".join(reply.model_dump_json() + "\n" for reply in replies), "utf-8")


def run(given: argparse.Namespace) -> None:
    """Speak: calibration, check, and the whole window on the checked situations."""
    out: Path = given.out
    direction = Direction.load(given.direction)
    chosen = spread_situations(read_situations(given.talks), given.checked + given.calibrated)
    learned, checked = chosen[: given.calibrated], chosen[given.calibrated :]
    pairs = [(pair.situation, pair.said) for pair in read_pairs("shipped:en")]
    choose = marks(read_situations("shipped:en:choose"))
    check_apart({"pairs": pairs, "choose": choose, "calibrate": marks(learned), "report": marks(checked)})
    weights, control = load_weights(given.model, None, None), Control(direction)
    reader = trust(read_labels(given.labels)) if given.labels else None
    found = out / "tried.jsonl"
    tried = list(read_records(found, SampledReply)) if found.exists() else []

    def tell(text: str) -> None:
        print(text, flush=True)
        kept(found, tried)

    made = reached(weights, control, learned, given.drawn, reader, tried, tell)
    (out / "calibration.json").write_text(made.model_dump_json(indent=1), "utf-8")
    kept(found, tried)
    arms = [Arm("calibrated", found.coefficient, control) for found in made.found]
    kept(out / "checked.jsonl", sample_replies(weights, checked, arms, given.samples, Speaking(seed=1), told))


def reached(
    weights: Weights,
    control: Control,
    learned: Sequence[Situation],
    drawn: int,
    reader: Trust | None,
    tried: list[SampledReply],
    tell: Tell,
) -> Calibration:
    """The calibration of all targets, or of as many neighbours as are in reach; replies are kept in `tried`."""
    runs = [
        TARGETS[low : low + count] for count in range(len(TARGETS), 0, -1) for low in range(len(TARGETS) - count + 1)
    ]
    for targets in runs:
        try:
            return calibrate(weights, control, learned, targets, samples=drawn, tell=tell, reader=reader, known=tried)[
                0
            ]
        except CocoonError as error:
            print(f"{targets}: {error}", flush=True)
    raise SystemExit("no target is in reach")


def told(done: int, of: int) -> None:
    """Progress."""
    print(f"{done} of {of}", flush=True)


def main() -> None:
    """Run what is not there yet and print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default="smollm2")
    options.add_argument("--talks", required=True, help="dialogues as `cocoon corpus import` writes them")
    options.add_argument("--direction", type=Path, required=True)
    options.add_argument("--checked", type=int, default=101)
    options.add_argument("--calibrated", type=int, default=90)
    options.add_argument("--drawn", type=int, default=1, help="replies to each situation and dose in calibration")
    options.add_argument("--samples", type=int, default=2, help="replies to each checked situation and target")
    options.add_argument("--labels", help="labels of a reader: shipped:en or a file")
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    if not (given.out / "checked.jsonl").exists():
        run(given)
    made = Calibration.model_validate_json((given.out / "calibration.json").read_text("utf-8"))
    tried, checked = (list(read_records(given.out / f"{name}.jsonl", SampledReply)) for name in ("tried", "checked"))
    rows = errors(made, checked)
    doses = [one.coefficient for one in made.tried if one.outside is None]
    late = {one.situation for one in checked if one.replies >= LATE}
    result = {
        "checked_replies": len(checked),
        "checked_situations": len({one.situation for one in checked}),
        "with_history": len(late),
        "targets": rows,
        "mean_error": float(np.mean([row["error"] for row in rows])),
        "worst_error": max(row["error"] for row in rows),
        "coverage": coverage(dose_of(tried, doses), made.reader),
        "drift_in_calibration": made.drift,
        "window": made.window,
        "reach": made.reach,
        "cpu_seconds": round(time.process_time() - started, 1),
    }
    (given.out / "result.json").write_text(json.dumps(result, indent=1), "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
