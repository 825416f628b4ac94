"""Does a steered model ask as often as it is told to? Calibration on situations it has not seen, and all the frontiers.

    python -m cocoon.benchmarks.question_ratio [--model smollm2] [--talks DIALOGUES.jsonl] --out FOLDER

Extracts the direction from the shipped pairs, chooses its layers on the shipped situations, calibrates on one part of
the talks and checks on the other: first the calibrated coefficients (`--checked` situations, two replies each), then
the share of genuine questions against degenerate replies for our directions, repeng's default, a random direction
and prompting, on the same situations with the same random numbers. All replies are written to FOLDER/replies.jsonl, and
200 sentences for a blind reading to FOLDER/blind.jsonl. Without talks the shipped situations are used.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cocoon.core.local_weights import Weights, load_weights
from cocoon.core.prompts import load_prompt
from cocoon.evaluation.questions import questions
from cocoon.steering.behaviour import Arm, Reply, Speaking, behaviour, speak
from cocoon.steering.calibrate import Calibration, calibrate, drift
from cocoon.steering.control import Control
from cocoon.steering.direction import Direction
from cocoon.steering.dose import Dose, invert
from cocoon.steering.extract import Recipe, direction_of, extract, read_contrast
from cocoon.steering.pairs import read_pairs
from cocoon.steering.situations import Situation, check_apart, marks, read_situations, spread

TARGETS = (0.1, 0.3, 0.5, 0.7)
GRID = (-0.02, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07)
REPLY_GRID = (0.01, 0.02, 0.03, 0.04)
# repeng has one number for all layers, whatever their norms.
REPENG_GRID = (2.0, 4.0, 8.0, 12.0)
REPENG_LAYERS = tuple(range(13, 26))
SENTENCES = 200


def parts(talks: str | None, checked: int, calibrated: int) -> tuple[list[Situation], list[Situation]]:
    """Situations to calibrate on and to check on, of different sources."""
    if talks is None:
        return read_situations("shipped:en:calibrate"), read_situations("shipped:en:report")
    chosen = spread(read_situations(talks), checked + calibrated)
    return chosen[:calibrated], chosen[calibrated:]


def told(prompt: str) -> Any:
    """A system prompt with a request to ask more, or less."""
    return lambda situation: f"{load_prompt('steering/reply', situation.language).render()}\n\n{prompt}"


def frontier(weights: Weights, band: Sequence[int], ours: Direction) -> list[Arm]:
    """All that is compared on the same situations."""
    pairs = read_pairs("shipped:en")
    first = Recipe("reply", "first", "mean")
    reply = direction_of(weights, read_contrast(weights, pairs, first), first)
    last = Recipe("reply", "last", "pca_diff")
    default = direction_of(weights, read_contrast(weights, pairs, last), last)
    flat = replace(default, norms=np.ones_like(default.norms))
    arms = [Arm("plain")]
    arms += [Arm("instruction", dose, Control(ours, tuple(band))) for dose in GRID]
    arms += [Arm("reply, first tokens", dose, Control(reply, tuple(band))) for dose in REPLY_GRID]
    arms += [Arm("repeng's default", dose, Control(flat, REPENG_LAYERS, tokens="both")) for dose in REPENG_GRID]
    arms += [Arm("random", dose, Control(Direction.random(ours, 1), tuple(band))) for dose in (0.03, 0.06)]
    more = "Ask the user more questions than you otherwise would."
    arms += [Arm("prompt: more", told=told(more)), Arm("prompt: fewer", told=told("Do not ask the user anything."))]
    return [*arms, Arm("prompt: only", told=told("Reply with questions only."))]


def counted(replies: Sequence[Reply]) -> list[dict[str, Any]]:
    """One row per arm and coefficient."""
    keys = list(dict.fromkeys((reply.label, reply.coefficient) for reply in replies))
    return [
        {"arm": label, "coefficient": dose}
        | behaviour([one for one in replies if (one.label, one.coefficient) == (label, dose)]).model_dump()
        for label, dose in keys
    ]


def errors(calibration: Calibration, replies: Sequence[Reply]) -> list[dict[str, Any]]:
    """Target beside what the calibrated coefficient did on unseen situations."""
    rows: list[dict[str, Any]] = []
    for found in calibration.found:
        own = [reply for reply in replies if reply.coefficient == found.coefficient]
        seen = behaviour(own)
        low, high = found.ratio_interval
        rows.append(
            {
                "target": found.target,
                "coefficient": found.coefficient,
                "interval": found.interval,
                "foretold": found.ratio_interval,
                "achieved": seen.genuine,
                "inside": low <= (seen.genuine or 0.0) <= high,
                "error": abs((seen.genuine or 0.0) - found.target),
                "degenerate": seen.broken,
                "pasted": seen.pasted,
                "replies": seen.replies,
                "drift": drift(own),
            }
        )
    return rows


def coverage(replies: Sequence[Reply], doses: Sequence[float], splits: int = 20) -> dict[str, Any]:
    """How often the foretold interval holds the ratio of the other half, over random halves of all situations.

    What the other half does at the coefficient that a half gives is read off its own doses on both sides of it.
    """
    names = sorted({reply.situation for reply in replies})
    table = np.full((len(names), len(doses)), np.nan)
    for row, name in enumerate(names):
        for column, dose in enumerate(doses):
            own = [one.asks for one in replies if one.situation == name and one.coefficient == dose]
            table[row, column] = np.mean(own) if own else np.nan
    table = table[~np.isnan(table).any(1)]
    drawn, held, tried, off = np.random.default_rng(0), 0, 0, 0
    for _ in range(splits):
        order = drawn.permutation(len(table))
        half, other = order[: len(table) // 2], order[len(table) // 2 :]
        dose = Dose(np.array(doses), table[half], np.full((len(half), len(doses)), 2))
        low, high = float(dose.ratios()[0]), float(dose.ratios()[-1])
        wanted = [target for target in TARGETS if low + 0.02 < target < high - 0.02]
        off += len(TARGETS) - len(wanted)
        for hit in invert(dose, wanted, draws=300, fresh=len(other)):
            seen = float(np.interp(hit.coefficient, doses, table[other].mean(0)))
            held += hit.ratio_interval[0] <= seen <= hit.ratio_interval[1]
            tried += 1
    return {"splits": splits, "targets": tried, "out_of_reach": off, "covered": held / tried, "situations": len(table)}


def blind(replies: Sequence[Reply], out: Path) -> None:
    """Sentences of steered replies that end in a mark, in random order without their coefficients, and the key."""
    found = [
        (sentence.text, reply.coefficient)
        for reply in replies
        if reply.coefficient > 0
        for sentence in questions(reply.text)
        if sentence.text.rstrip("\"' ").endswith("?")
    ]
    drawn = random.Random(0).sample(found, min(SENTENCES, len(found)))
    (out / "blind.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text, _ in drawn), "utf-8")
    (out / "key.jsonl").write_text("".join(json.dumps({"coefficient": dose}) + "\n" for _, dose in drawn), "utf-8")


def main() -> None:
    """Run it all and print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default="smollm2")
    options.add_argument("--talks", help="dialogues as `cocoon corpus import` writes them; default: shipped situations")
    options.add_argument("--checked", type=int, default=100)
    options.add_argument("--calibrated", type=int, default=80)
    options.add_argument("--compared", type=int, default=40, help="situations on which the frontiers are drawn")
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    weights = load_weights(given.model, None, None)
    learned, checked = parts(given.talks, given.checked, given.calibrated)
    pairs = [(pair.situation, pair.said) for pair in read_pairs("shipped:en")]
    check_apart({"pairs": pairs, "calibrate": marks(learned), "report": marks(checked)})
    started = time.process_time()
    ours, extraction = extract(
        weights, read_pairs("shipped:en"), Recipe(), read_situations("shipped:en:choose"), report=print
    )
    ours.save(given.out / "direction.safetensors")
    control = Control(ours)
    calibration, tried = calibrate(weights, control, learned, TARGETS, tell=print)
    arms = [Arm("calibrated", found.coefficient, control) for found in calibration.found]
    replies = speak(weights, checked, arms, 2)
    rows = errors(calibration, replies)
    print(json.dumps(rows, indent=1), flush=True)
    compared = speak(weights, checked[: given.compared], frontier(weights, ours.band or (), ours), 1, Speaking(seed=1))
    doses = [one.coefficient for one in calibration.tried if one.outside is None]
    grid = speak(weights, checked, [Arm("grid", dose, control) for dose in doses], 1, Speaking(seed=2))
    with (given.out / "replies.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(reply.model_dump_json() + "\n" for reply in [*tried, *replies, *compared, *grid])
    blind([*replies, *(one for one in compared if one.label == "instruction")], given.out)
    told_of = {
        "situations": [len(learned), len(checked)],
        "with_history": [sum(one.replies >= 3 for one in part) for part in (learned, checked)],
        "band": extraction.band,
        "checked": rows,
        "mean_error": float(np.mean([row["error"] for row in rows])),
        "worst_error": max(row["error"] for row in rows),
        "coverage": coverage([*tried, *grid], doses),
        "frontier": counted(compared),
        "calibration": calibration.model_dump(),
        "extraction": extraction.model_dump(),
        "cpu_seconds": round(time.process_time() - started, 1),
    }
    (given.out / "result.json").write_text(json.dumps(told_of, indent=1), "utf-8")
    print(json.dumps({key: told_of[key] for key in ("mean_error", "worst_error", "coverage", "frontier")}, indent=1))


if __name__ == "__main__":
    main()
