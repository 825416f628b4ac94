"""Share of replies that ask, against the coefficient: our directions beside repeng's default, chance and prompting.

    python -m cocoon.benchmarks.steering.question_ratio [--model smollm2] [--samples 4] --out FOLDER

All arms answer the same situations (the shipped set `report`, which no direction was made or chosen on) with the same
random numbers in one run. Directions: kind `instruction` as `cocoon steer extract` makes it, and the same one added to
every token of the reply; kind `reply` at the mean of the reply (the preset `paper`) and at its first tokens; repeng's
default (last token, PCA of differences, one number for all layers, every token steered); a random one. All replies go
to FOLDER/replies.jsonl; sentences and replies for a blind reading to FOLDER/blind_*.jsonl, with their coefficients in
FOLDER/key_*.jsonl. A second call asks the arms that are not there.
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

from cocoon.core.jsonl import read_records
from cocoon.core.prompts import load_prompt
from cocoon.models.local.weights import Weights, load_weights
from cocoon.steering.calibration.behaviour import (
    Arm,
    SampledReply,
    Speaking,
    asks_by_form,
    behaviour,
    sample_replies,
    sentences_of,
)
from cocoon.steering.calibration.calibrate import Guards
from cocoon.steering.control.control import Control
from cocoon.steering.directions.direction import Direction
from cocoon.steering.directions.extract import Recipe, direction_of, extract, read_contrast
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import read_situations

GRID = (-0.02, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.14)
EVERY_GRID = (0.02, 0.03, 0.05)
REPLY_GRID = (0.01, 0.02, 0.03)
FIRST_GRID = (0.02, 0.03, 0.04)
# repeng has one number for all layers, whatever their norms.
REPENG_GRID = (4.0, 8.0, 12.0)
REPENG_LAYERS = tuple(range(13, 26))
INSTRUCTION = "instruction"
MARKED, UNMARKED = 200, 40
ASKING, ONLY_MARKED = 120, 30
# Replies for a reader are drawn up to here.
WINDOW = 0.1


def told(prompt: str) -> Any:
    """A system prompt with a request to ask more, or less."""
    return lambda situation: f"{load_prompt('steering/reply', situation.language).render()}\n\n{prompt}"


def made(weights: Weights, recipe: Recipe) -> Direction:
    """A direction as `cocoon steer extract` makes it of the shipped pairs, its layers chosen unless they are given."""
    direction, found = extract(
        weights, read_pairs("shipped:en"), recipe, read_situations("shipped:en:choose"), report=print
    )
    print(f"{recipe.kind}, {direction.card.position}: layers {found.band}", flush=True)
    return direction


def directions(weights: Weights, out: Path) -> dict[str, Direction]:
    """All directions by name, kept in files, so that a second run has the same. Both of replies have one band."""
    found: dict[str, Direction] = {}
    last = Recipe("reply", "last", "pca_diff")
    ways = {
        INSTRUCTION: lambda: made(weights, Recipe()),
        "reply-mean": lambda: made(weights, Recipe("reply", "mean")),
        "reply-first": lambda: made(weights, Recipe("reply", "first", band=found["reply-mean"].band)),
        "repeng": lambda: direction_of(weights, read_contrast(weights, read_pairs("shipped:en"), last), last),
    }
    for name, make in ways.items():
        path = out / f"{name}.safetensors"
        found[name] = Direction.load(path) if path.exists() else make().save(path)
    return found


def arms_of(found: dict[str, Direction]) -> list[Arm]:
    """All that is compared."""
    ours, default = Control(found[INSTRUCTION]), found["repeng"]
    flat = Control(replace(default, norms=np.ones_like(default.norms)), REPENG_LAYERS, tokens="both")
    chance = Control(Direction.random(found[INSTRUCTION], 1), ours.layers)
    steered = [
        (INSTRUCTION, ours, GRID),
        ("instruction, every token", Control(found[INSTRUCTION], at="every"), EVERY_GRID),
        ("reply, mean", Control(found["reply-mean"]), REPLY_GRID),
        ("reply, first tokens", Control(found["reply-first"]), FIRST_GRID),
        ("repeng's default", flat, REPENG_GRID),
        ("random", chance, (0.1,)),
    ]
    arms = [Arm("plain"), *(Arm(name, dose, control) for name, control, doses in steered for dose in doses)]
    more = "Ask the user more questions than you otherwise would."
    arms += [Arm("prompt: more", told=told(more)), Arm("prompt: fewer", told=told("Do not ask the user anything."))]
    return [*arms, Arm("prompt: only", told=told("Reply with questions only."))]


def counted(replies: Sequence[SampledReply]) -> list[dict[str, Any]]:
    """One row per arm and coefficient; `ratio_interval` is a bootstrap over situations (95 %)."""
    rows: list[dict[str, Any]] = []
    for label, dose in dict.fromkeys((reply.label, reply.coefficient) for reply in replies):
        own = [one for one in replies if (one.label, one.coefficient) == (label, dose)]
        rows.append({"arm": label, "coefficient": dose, "ratio_interval": interval(own)} | behaviour(own).model_dump())
    return rows


def interval(replies: Sequence[SampledReply]) -> list[float]:
    """95 % interval of the share of replies with a genuine question, situations drawn anew."""
    shares: dict[str, list[bool]] = {}
    for reply in replies:
        shares.setdefault(reply.situation, []).append(reply.asks)
    means = np.array([np.mean(some) for some in shares.values()])
    drawn = means[np.random.default_rng(0).integers(0, len(means), (4000, len(means)))].mean(1)
    return [round(float(edge), 3) for edge in np.percentile(drawn, [2.5, 97.5])]


def window(replies: Sequence[SampledReply]) -> dict[str, Any]:
    """Doses from 0 until a guard of calibration is passed, and how the ratio rises over them."""
    plain = behaviour([one for one in replies if one.label == "plain"])
    inside, ratios, why = [0.0], [plain.genuine or 0.0], None
    for dose in sorted(one for one in GRID if one > 0):
        own = [one for one in replies if (one.label, one.coefficient) == (INSTRUCTION, dose)]
        seen = behaviour(own)
        why = Guards().passed(seen, plain, sum(one.asking for one in own))
        if why:
            break
        inside.append(dose)
        ratios.append(seen.genuine or 0.0)
    return {"doses": inside, "ratios": ratios, "spearman": spearman(inside, ratios), "ended_by": why}


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Rank correlation; none for a single dose."""
    from scipy.stats import spearmanr

    found: Any = spearmanr(one, other) if len(one) > 1 else None
    return float(found.statistic) if found is not None else None


Drawn = tuple[str, bool, float]


def sentences(replies: Sequence[SampledReply]) -> tuple[list[Drawn], list[Drawn]]:
    """Sentences with a question mark, and those taken as questions without one: text, detected, coefficient."""
    marked: list[Drawn] = []
    bare: list[Drawn] = []
    for reply in replies:
        for sentence in sentences_of(reply.text, "en"):
            asks = asks_by_form(sentence, "en")
            if sentence.rstrip("\"'”’) ").endswith("?"):
                marked.append((sentence, asks, reply.coefficient))
            elif sentence.rstrip().endswith((".", "!")) and asks:
                bare.append((sentence, asks, reply.coefficient))
    return marked, bare


def wholes(replies: Sequence[SampledReply]) -> tuple[list[Drawn], list[Drawn]]:
    """Replies of the window that ask by form, and those with nothing but marks: text, detected, coefficient."""
    own = [one for one in replies if one.coefficient <= WINDOW]
    asking = [(one.text, True, one.coefficient) for one in own if one.asks]
    return asking, [(one.text, False, one.coefficient) for one in own if one.only_marked]


def blind(replies: Sequence[SampledReply], out: Path) -> None:
    """Sentences and replies under our direction without their coefficients, in random order, and the keys."""
    steered = [one for one in replies if one.label == INSTRUCTION and one.coefficient > 0]
    for name, parts, counts in (
        ("sentences", sentences(steered), (MARKED, UNMARKED)),
        ("replies", wholes(steered), (ASKING, ONLY_MARKED)),
    ):
        drawn = random.Random(0)
        chosen = [
            one for part, count in zip(parts, counts, strict=True) for one in drawn.sample(part, min(count, len(part)))
        ]
        drawn.shuffle(chosen)
        kept(out / f"blind_{name}.jsonl", [{"text": text} for text, *_ in chosen])
        kept(out / f"key_{name}.jsonl", [{"detected": asks, "coefficient": dose} for _, asks, dose in chosen])


def kept(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """One JSON object a line."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def spoken(given: argparse.Namespace) -> list[SampledReply]:
    """All replies; arms that are there already are not asked again."""
    path: Path = given.out / "replies.jsonl"
    known = list(read_records(path, SampledReply)) if path.exists() else []
    there = {(reply.label, reply.coefficient) for reply in known}
    weights = load_weights(given.model, None, None)
    arms = [arm for arm in arms_of(directions(weights, given.out)) if (arm.label, arm.coefficient) not in there]
    if arms:
        situations = read_situations("shipped:en:report")
        known += sample_replies(
            weights, situations, arms, given.samples, Speaking(seed=1), lambda done, of: print(done, of, flush=True)
        )
        path.write_text("".join(reply.model_dump_json() + "\n" for reply in known), "utf-8")
    return known


def main() -> None:
    """Run it all and print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default="smollm2")
    options.add_argument("--samples", type=int, default=4)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    replies = spoken(given)
    blind(replies, given.out)
    told_of = {
        "situations": len({one.situation for one in replies}),
        "window": window(replies),
        "frontier": counted(replies),
        "cpu_seconds": round(time.process_time() - started, 1),
    }
    (given.out / "result.json").write_text(json.dumps(told_of, indent=1), "utf-8")
    print(json.dumps(told_of, indent=1))


if __name__ == "__main__":
    main()
