"""Does a calibrated model ask as often as it was told to, in talks that calibration has not seen?

    python -m cocoon.benchmarks.steering.calibration --talks DIALOGUES.jsonl --direction FILE --out FOLDER
        [--prompt plain] [--labels shipped:en]

Calibrates on one part of the talks (one situation a talk, half of them after 3 turns of the supporter or more), as a
supporter of a sweep speaks, and has the calibrated coefficients answer the other part, by `cocoon steer calibrate
--check`: signed error per target beside what a perfect coefficient would show, and its trend. Coverage: random halves
of the situations calibrated on foretell the ratio of the other half; how often does the interval hold it. With labels,
ratios are those that the reader would count. Replies are kept after every batch, and a second call goes on from there.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.models.local.weights import Weights, load_weights
from cocoon.steering.calibration.behaviour import SampledReply, behaviour
from cocoon.steering.calibration.calibrate import dose_of, drift
from cocoon.steering.calibration.detector import Trust
from cocoon.steering.calibration.dose import Dose, curve_of, invert
from cocoon.steering.calibration.on_situations import CalibrateConfig, Calibrated, CalibrationTask
from cocoon.steering.pairs.situations import LATE

TARGETS = (0.1, 0.3, 0.5, 0.7)


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


def say(text: str) -> None:
    """Progress."""
    print(text, flush=True)


def reached(given: argparse.Namespace, weights: Weights) -> tuple[CalibrationTask, Calibrated]:
    """The calibration of all targets, or of as many neighbours as are in reach."""
    runs = [
        TARGETS[low : low + count] for count in range(len(TARGETS), 0, -1) for low in range(len(TARGETS) - count + 1)
    ]
    for targets in runs:
        config = CalibrateConfig(
            ratio=list(targets),
            prompt=given.prompt,
            situations=given.talks,
            limit=given.calibrated,
            check=given.checked,
            samples=given.samples,
            max_tokens=given.max_tokens,
            labels=given.labels,
        )
        task = CalibrationTask.of(config, given.direction, say)
        try:
            return task, task.run(weights, f"local:{given.model}", given.out / "calibration.json", say)
        except CocoonError as error:
            say(f"{targets}: {error}")
    raise SystemExit("no target is in reach")


def main() -> None:
    """Run what is not there yet and print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default="smollm2")
    options.add_argument("--talks", required=True, help="dialogues as `cocoon corpus import` writes them")
    options.add_argument("--direction", type=Path, required=True)
    options.add_argument("--prompt", default="plain", help="the supporter's prompt")
    options.add_argument("--max-tokens", type=int, default=200)
    options.add_argument("--checked", type=int, default=101)
    options.add_argument("--calibrated", type=int, default=90)
    options.add_argument("--samples", type=int, default=2, help="replies to each situation and coefficient")
    options.add_argument("--labels", help="labels of a reader: shipped:en, a file, or none")
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    task, made = reached(given, load_weights(given.model, None, None))
    result = measured(task, made, list(all_replies(given.out)))
    result["cpu_seconds"] = round(time.process_time() - started, 1)
    (given.out / "result.json").write_text(json.dumps(result, indent=1), "utf-8")
    print(json.dumps(result, indent=1))


def all_replies(out: Path) -> list[SampledReply]:
    """The replies that the calibration kept last."""
    newest = max(out.glob("calibration.*.replies.jsonl"), key=lambda path: path.stat().st_mtime)
    return list(read_records(newest, SampledReply))


def measured(task: CalibrationTask, made: Calibrated, replies: list[SampledReply]) -> dict[str, Any]:
    """All figures of a calibration that is done."""
    calibration = made.calibration
    checked = {situation.id for situation in task.checked}
    tried = [reply for reply in replies if reply.situation not in checked]
    doses = [one.coefficient for one in calibration.tried if one.outside is None]
    coefficients = {check.coefficient for check in calibration.checks}
    late = [situation for situation in task.checked if situation.replies >= LATE]
    unseen = [reply for reply in replies if reply.situation in checked and reply.coefficient in coefficients]
    return {
        "spoke": calibration.spoke,
        "reader": calibration.reader.model_dump() if calibration.reader else None,
        "checked_replies": sum(check.replies for check in calibration.checks),
        "checked_situations": len(checked),
        "with_history": len(late),
        "targets": [check.model_dump() for check in calibration.checks],
        "found": [found.model_dump() for found in calibration.found],
        "transfer": made.transfer.model_dump() if made.transfer else None,
        "unseen": behaviour(unseen).model_dump(),
        "drift": {
            f"{check.target:g}": drift([reply for reply in unseen if reply.coefficient == check.coefficient])
            for check in calibration.checks
        },
        "coverage": coverage(dose_of(tried, doses), calibration.reader),
        "drift_in_calibration": calibration.drift,
        "window": calibration.window,
        "reach": calibration.reach,
    }


if __name__ == "__main__":
    main()
