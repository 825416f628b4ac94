"""Fit the trust rules `people` to how clients answer each move of a counsellor, and check them on ten folds.

    python -m cocoon.benchmarks.evaluation.people_rules annomi_even.csv [--write]

The file is AnnoMI (Wu et al., ICASSP 2022; Future Internet 15(3):110, 2023), which is not shipped: only figures are. An
utterance that several experts annotated counts once, by the first of them. Of every counsellor's turn that a client
answers, three things are measured: the client's words, the contents that nobody had said before, and whether the client
asks back.

The logarithm of 1 + words (or contents) is explained by the move, the transcript and the logarithm of the client's
turn (least squares), so that talkative clients do not stand for the moves that they met. Moves are pooled by a rule
that was fixed before any fold was looked at: as long as the closest two neighbours in the order of moves differ by less
than 1.96 standard errors (a jackknife over transcripts), they become one. The pools are those of all transcripts.
"""

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import yaml

from cocoon.agents.users.attuned import ATTUNED
from cocoon.agents.users.people import FILE, FittedPeople, FittedRules, answer_plan
from cocoon.agents.users.trust import FITTED
from cocoon.core.config import TrustRules
from cocoon.core.errors import CocoonError
from cocoon.core.records import Move
from cocoon.evaluation.statistics.estimates import Estimate, student_quantile
from cocoon.evaluation.text.contents import contents

OURS: Mapping[str, Move] = {
    **{"open_question": "open_question", "closed_question": "closed_question"},
    **{"complex_reflection": "complex_reflection", "simple_reflection": "simple_reflection"},
    **{"advice": "advice", "negotiation": "other", "information": "other", "other": "other"},
}
"""The moves that AnnoMI's experts coded, and what they are in our list. `options` (17 turns) count as advice."""
MOVES: tuple[Move, ...] = tuple(dict.fromkeys(OURS.values()))
OUTCOMES = ("words", "new")
SOURCE = "AnnoMI, transcripts with an even number (Wu et al., Future Internet 15(3):110, 2023); people_rules.py"
FOLDS, SPLITS = 10, 400
SEPARATE = 1.96
QUANTILES = [round(0.05 + 0.1 * step, 2) for step in range(10)]
FEWEST = 3
"""Held-out transcripts in which a move must stand, for an interval of people."""


@dataclass(frozen=True)
class Answer:
    """A client's answer to a move, the client's turn of this number in its talk (from 0)."""

    transcript: int
    coded: str
    turn: int
    words: int
    new: int
    asks: bool

    @property
    def move(self) -> Move:
        """What the move is in our list."""
        return OURS[self.coded]


def read_answers(file: Path) -> list[Answer]:
    """Return the answers of a file in AnnoMI's layout. Raises CocoonError where a column is missing."""
    talks: dict[int, dict[int, dict[str, str]]] = defaultdict(dict)
    with file.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            try:
                talks[int(row["transcript_id"])].setdefault(int(row["utterance_id"]), row)
            except (KeyError, ValueError) as error:
                raise CocoonError(f"{file}: the layout is not AnnoMI's ({error})") from None
    ordered = {number: [talk[key] for key in sorted(talk)] for number, talk in talks.items()}
    return [answer for number, talk in ordered.items() for answer in _answers(number, talk)]


def _answers(transcript: int, talk: Sequence[Mapping[str, str]]) -> list[Answer]:
    answers: list[Answer] = []
    said, turn = contents(talk[0]["utterance_text"]), 0
    for before, row in pairwise(talk):
        text, coded = row["utterance_text"], _coded(before)
        if row["interlocutor"] == "client" and before["interlocutor"] == "therapist" and coded in OURS:
            new = len(contents(text) - said)
            answers.append(Answer(transcript, coded, turn, len(text.split()), new, "?" in text))
        turn += row["interlocutor"] == "client"
        said |= contents(text)
    return answers


def _coded(row: Mapping[str, str]) -> str:
    kind = row["main_therapist_behaviour"]
    if kind in ("question", "reflection"):
        return f"{row[f'{kind}_subtype']}_{kind}"
    name = row["therapist_input_subtype"] if kind == "therapist_input" else kind
    return "advice" if name == "options" else name


Pools = Sequence[Sequence[Move]]


@dataclass(frozen=True)
class Fit:
    """The mean of log(1 + outcome) after each pool of moves at the mean turn, and its slope over log(1 + turn)."""

    levels: Sequence[float]
    slope: float
    mean_turn: float


def fit(answers: Sequence[Answer], outcome: str, pools: Pools) -> Fit:
    """Return what explains an outcome: pool, transcript and turn."""
    pool_of = {move: number for number, pool in enumerate(pools) for move in pool}
    names = {name: number for number, name in enumerate(sorted({answer.transcript for answer in answers}))}
    turns = np.log1p([answer.turn for answer in answers])
    table = np.zeros((len(answers), len(pools) + len(names) + 1))
    rows = np.arange(len(answers))
    table[rows, [pool_of[answer.move] for answer in answers]] = 1
    table[rows, [len(pools) + names[answer.transcript] for answer in answers]] = 1
    table[:, -1] = turns - turns.mean()
    effects = np.linalg.lstsq(table, np.log1p([getattr(answer, outcome) for answer in answers]), rcond=None)[0]
    level = float((table[:, len(pools) : -1] @ effects[len(pools) : -1]).mean())
    return Fit([float(effect) + level for effect in effects[: len(pools)]], float(effects[-1]), float(turns.mean()))


def pooled(answers: Sequence[Answer], outcome: str) -> list[list[Move]]:
    """Return the moves in the order of an outcome, the highest first, those that do not differ beyond noise as one."""
    pools: list[list[Move]] = [[move] for move in MOVES]
    while len(pools) > 1:
        levels = fit(answers, outcome, pools).levels
        pools = [pools[index] for index in np.argsort(levels)[::-1]]
        gaps = _jackknifed(answers, lambda rest, pools=pools: -np.diff(fit(rest, outcome, pools).levels))
        ratios = [abs(gap) / error for gap, error in gaps]
        closest = int(np.argmin(ratios))
        if ratios[closest] >= SEPARATE:
            break
        pools[closest : closest + 2] = [pools[closest] + pools[closest + 1]]
    return pools


def _jackknifed(
    answers: Sequence[Answer], statistic: Callable[[Sequence[Answer]], "np.ndarray"]
) -> list[tuple[float, float]]:
    """Return the values of a statistic with their standard errors over transcripts."""
    names = sorted({answer.transcript for answer in answers})
    parts = np.stack([statistic([answer for answer in answers if answer.transcript != name]) for name in names])
    errors = np.sqrt((len(names) - 1) / len(names) * ((parts - parts.mean(0)) ** 2).sum(0))
    return list(zip(statistic(answers).tolist(), errors.tolist(), strict=True))


def rules_of(answers: Sequence[Answer], pools: Mapping[str, Pools]) -> FittedRules:
    """Return what the rules hold: gains, quantiles of words, and shares of asking back, by move.

    The ratios of gains are those of the new contents that people give. Their scale is that of `attuned`: the mean over
    the counsellors' turns is the same. Quantiles are of words as they would be at the mean turn.
    """
    new, words = fit(answers, "new", pools["new"]), fit(answers, "words", pools["words"])
    opened = {move: math.expm1(level) for pool, level in zip(pools["new"], new.levels, strict=True) for move in pool}
    earned = sum(ATTUNED.moves.get(answer.move, 0.0) for answer in answers)
    scale = earned / sum(opened[answer.move] for answer in answers)
    at_mean = [
        (answer, math.log1p(answer.words) - words.slope * (math.log1p(answer.turn) - words.mean_turn))
        for answer in answers
    ]
    quantiles: dict[Move, list[float]] = {}
    for pool in pools["words"]:
        values = np.quantile([log for answer, log in at_mean if answer.move in pool], QUANTILES)
        quantiles |= {move: values.round(3).tolist() for move in pool}
    asks = {move: float(np.mean([answer.asks for answer in answers if answer.move == move])) for move in MOVES}
    return FittedRules(
        gains={move: round(scale * opened[move], 3) for move in MOVES},
        scale=round(scale, 4),
        fading=round(new.slope, 4),
        words={move: quantiles[move] for move in MOVES},
        slope=round(words.slope, 4),
        mean_turn=round(words.mean_turn, 4),
        asks={move: round(asks[move], 3) for move in MOVES},
    )


def resampled(answers: Sequence[Answer], seed: int) -> list[Answer]:
    """Return the answers of as many transcripts, drawn with replacement, each as one of its own."""
    names = sorted({answer.transcript for answer in answers})
    by_name = {name: [answer for answer in answers if answer.transcript == name] for name in names}
    chosen = np.random.default_rng(seed).choice(names, len(names))
    return [replace(answer, transcript=number) for number, name in enumerate(chosen) for answer in by_name[int(name)]]


def rule_outcome(rules: FittedRules, answer: Answer, outcome: str) -> float:
    """Return what the rules let the user say (words), or open (new contents), where people gave an answer."""
    if outcome == "new":
        return math.log1p(rules.gains[answer.move] / rules.scale)
    plan = answer_plan(rules, answer.move, f"transcript {answer.transcript}", answer.turn, "en")
    return math.log1p(plan.words)


@dataclass(frozen=True)
class Compared:
    """What people gave after a move, as mean log(1 + outcome) over transcripts, and what the rules give."""

    coded: str
    people: Estimate
    rules: float

    @property
    def inside(self) -> bool:
        """Whether the rules lie in the interval of people."""
        low, high = self.people.low, self.people.high
        return low is not None and high is not None and low <= self.rules <= high


def compared(held: Iterable[tuple[FittedRules, Answer]], outcome: str) -> list[Compared]:
    """Return the moves that stand in at least `FEWEST` held-out transcripts, people beside the rules."""
    by_move: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for rules, answer in held:
        pair = math.log1p(getattr(answer, outcome)), rule_outcome(rules, answer, outcome)
        by_move[answer.coded][answer.transcript].append(pair)
    rows: list[Compared] = []
    for coded in OURS:
        means = np.array([np.mean(pairs, axis=0) for pairs in by_move[coded].values()])
        if len(means) >= FEWEST:
            value, half = float(means[:, 0].mean()), _half(means[:, 0])
            people = Estimate(value=value, low=value - half, high=value + half, n=len(means))
            rows.append(Compared(coded, people, float(means[:, 1].mean())))
    return rows


def _half(values: "np.ndarray") -> float:
    return student_quantile(0.975, len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))


def folds_of(answers: Sequence[Answer]) -> list[tuple[list[Answer], list[Answer]]]:
    """Return ten splits into the answers that are fitted and those held out, by transcripts in their order."""
    names = sorted({answer.transcript for answer in answers})
    held = [set(names[number::FOLDS]) for number in range(FOLDS)]
    return [
        (
            [answer for answer in answers if answer.transcript not in out],
            [answer for answer in answers if answer.transcript in out],
        )
        for out in held
    ]


def in_order(answers: Sequence[Answer], outcome: str, pools: Pools) -> bool:
    """Return whether the pools have their order in some answers."""
    present = [pool for pool in pools if any(answer.move in pool for answer in answers)]
    return all(above > below for above, below in pairwise(fit(answers, outcome, present).levels))


def report(answers: Sequence[Answer], pools: Mapping[str, Pools]) -> str:
    """Return the fit and its check as lines."""
    folds = folds_of(answers)
    fits = [(rules_of(train, pools), held) for train, held in folds]
    lines = [line for outcome in OUTCOMES for line in _order_lines(answers, outcome, pools[outcome], folds)]
    for outcome in OUTCOMES:
        rows = [compared([(rules, answer) for answer in held], outcome) for rules, held in fits]
        counts = ", ".join(f"{sum(row.inside for row in fold)}/{len(fold)}" for fold in rows)
        lines.append(f"{outcome} of the rules inside the interval of held-out people, moves by fold: {counts}")
        together = compared([(rules, answer) for rules, held in fits for answer in held], outcome)
        lines.append(f"all held-out answers together: {sum(row.inside for row in together)} of {len(together)} moves")
        for row in together:
            people = f"{row.people.value:.2f} [{row.people.low:.2f}, {row.people.high:.2f}]"
            lines.append(f"  {row.coded}: people {people}, rules {row.rules:.2f}{'' if row.inside else ' OUTSIDE'}")
    return "\n".join(lines)


def _order_lines(
    answers: Sequence[Answer], outcome: str, pools: Pools, folds: Sequence[tuple[list[Answer], list[Answer]]]
) -> Iterable[str]:
    """Yield what follows each move, the pools, and how often the order is kept, of the pools and of single moves."""
    singles: Pools = [[move] for move in MOVES]
    alone = _jackknifed(answers, lambda rest: np.array(fit(rest, outcome, singles).levels))
    values = dict(zip(MOVES, alone, strict=True))
    yield f"{outcome}: mean of log(1 + count) after each move"
    yield from (f"  {move}: {value:.2f} ± {SEPARATE * error:.2f}" for move, (value, error) in values.items())
    yield f"  pools: {' > '.join(' = '.join(pool) for pool in pools)}"
    ordered: Pools = [[move] for move in sorted(MOVES, key=lambda move: -values[move][0])]
    for name, order in (("the pools", pools), ("single moves", ordered)):
        fitted, held = (sum(in_order(side, outcome, order) for side in sides) for sides in zip(*folds, strict=True))
        yield f"  order of {name} kept: {fitted} of {FOLDS} fits, {held} of {FOLDS} held-out folds"
        yield f"    the same in {SPLITS} other splits of the same people: {_in_other_splits(answers, outcome, order)}"


def _in_other_splits(answers: Sequence[Answer], outcome: str, order: Pools) -> str:
    """Return in how many held-out folds people keep their own order, over random splits into ten."""
    by_transcript: dict[int, list[Answer]] = {}
    for answer in answers:
        by_transcript.setdefault(answer.transcript, []).append(answer)
    names, rng = sorted(by_transcript), np.random.default_rng(0)
    counts: list[int] = []
    for _ in range(SPLITS):
        mixed = rng.permutation(names)
        folds = [[answer for name in mixed[number::FOLDS] for answer in by_transcript[name]] for number in range(FOLDS)]
        counts.append(sum(in_order(fold, outcome, order) for fold in folds))
    low, middle, high = np.quantile(counts, [0.05, 0.5, 0.95])
    return f"median {middle:.0f} ({low:.0f} to {high:.0f}), all {FOLDS} in {np.mean(np.equal(counts, FOLDS)):.0%}"


def main() -> None:
    """Print the fit and its check, and write the data file."""
    parser = argparse.ArgumentParser(description="Fit the trust rules `people` to AnnoMI.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--write", action="store_true", help="Write the values that ship.")
    arguments = parser.parse_args()
    answers = read_answers(arguments.file)
    pools = {outcome: pooled(answers, outcome) for outcome in OUTCOMES}
    print(report(answers, pools))
    if arguments.write:
        middle, *draws = FITTED
        rules: dict[TrustRules, FittedRules] = {middle: rules_of(answers, pools)}
        rules |= {name: rules_of(resampled(answers, seed), pools) for seed, name in enumerate(draws, 1)}
        people = FittedPeople(source=SOURCE, rules=rules)
        FILE.write_text(
            yaml.safe_dump(people.model_dump(mode="json"), sort_keys=False, width=110, default_flow_style=None), "utf-8"
        )


if __name__ == "__main__":
    main()
