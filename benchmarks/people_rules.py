"""Fit the trust rules `people` to how clients answer each move of a counsellor, and check them on ten folds.

Run with `python -m cocoon.benchmarks.people_rules annomi_even.csv [--write]`. The file is AnnoMI (Wu et al., ICASSP
2022; Future Internet 15(3):110, 2023), which is not shipped: only the figures are. An utterance that several experts
annotated counts once, by the first of them.

For every turn of the counsellor that a client answers, two things are measured: how many words the client says, and
how many contents that nobody had said before. The logarithm of 1 + each is explained by the move and the transcript
(least squares), so that talkative clients do not stand for the moves that they met. Intervals resample transcripts.
"""

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cocoon.agents.users.attuned import ATTUNED
from cocoon.agents.users.people import FILE
from cocoon.core.errors import CocoonError
from cocoon.core.records import Move
from cocoon.evaluation.statistics.estimates import student_quantile
from cocoon.evaluation.text.contents import contents

MOVES = (
    *("open_question", "closed_question", "complex_reflection", "simple_reflection"),
    *("advice", "negotiation", "information", "other"),
)
"""The moves that the experts coded. `options` (17 turns) are counted as advice."""
OURS: dict[str, Move] = {"negotiation": "other", "information": "other"}
"""What the moves without a name in our list are there."""
OUTCOMES = ("words", "new")
SOURCE = (
    "AnnoMI, transcripts with an even number; Wu et al., Future Internet 15(3):110, 2023; benchmarks/people_rules.py"
)
FOLDS, RESAMPLES = 10, 400


@dataclass(frozen=True)
class Answer:
    """A client's answer to one move: its words, and the contents that were new, as log(1 + count)."""

    transcript: int
    move: str
    words: float
    new: float


def read_answers(file: Path) -> list[Answer]:
    """Return the answers of a file in AnnoMI's layout. Raises CocoonError where a column is missing."""
    talks: dict[int, dict[int, dict[str, str]]] = defaultdict(dict)
    with file.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            try:
                talks[int(row["transcript_id"])].setdefault(int(row["utterance_id"]), row)
            except (KeyError, ValueError) as error:
                raise CocoonError(f"{file}: is no file in AnnoMI's layout ({error})") from None
    return [
        answer for number, talk in talks.items() for answer in _answers(number, [talk[key] for key in sorted(talk)])
    ]


def _answers(transcript: int, talk: Sequence[Mapping[str, str]]) -> list[Answer]:
    found: list[Answer] = []
    said: set[str] = set()
    for number, row in enumerate(talk):
        before = talk[number - 1] if number else None
        if row["interlocutor"] == "client" and before is not None and before["interlocutor"] == "therapist":
            words, new = len(row["utterance_text"].split()), len(contents(row["utterance_text"]) - said)
            found.append(Answer(transcript, _move(before), math.log1p(words), math.log1p(new)))
        said |= contents(row["utterance_text"])
    return found


def _move(row: Mapping[str, str]) -> str:
    kind = row["main_therapist_behaviour"]
    if kind in ("question", "reflection"):
        return f"{row[f'{kind}_subtype']}_{kind}"
    name = row["therapist_input_subtype"] if kind == "therapist_input" else "other"
    return "advice" if name == "options" else name


def fit(answers: Sequence[Answer], outcome: str) -> dict[str, float]:
    """Return the mean of log(1 + outcome) after each move, as the transcripts of all moves would have it."""
    known = [answer for answer in answers if answer.move in MOVES]
    transcripts = {name: number for number, name in enumerate(sorted({answer.transcript for answer in known}))}
    table = np.zeros((len(known), len(MOVES) + len(transcripts)))
    for row, answer in enumerate(known):
        table[row, MOVES.index(answer.move)] = 1
        table[row, len(MOVES) + transcripts[answer.transcript]] = 1
    values = np.array([getattr(answer, outcome) for answer in known])
    effects = np.linalg.lstsq(table, values, rcond=None)[0]
    level = float((table[:, len(MOVES) :] @ effects[len(MOVES) :]).mean())
    return {move: float(effects[number]) + level for number, move in enumerate(MOVES)}


def resampled(answers: Sequence[Answer], outcome: str, seed: int = 0) -> dict[str, float]:
    """Return the standard error of every value of `fit`, over transcripts drawn again and again."""
    by_transcript: dict[int, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_transcript[answer.transcript].append(answer)
    names, random = sorted(by_transcript), np.random.default_rng(seed)
    fits: list[dict[str, float]] = []
    for _ in range(RESAMPLES):
        drawn = random.choice(names, len(names))
        again = [
            Answer(number, answer.move, answer.words, answer.new)
            for number, name in enumerate(drawn)
            for answer in by_transcript[int(name)]
        ]
        fits.append(fit(again, outcome))
    return {move: float(np.std([drawn[move] for drawn in fits], ddof=1)) for move in MOVES}


def rules_of(answers: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """Return what the rules `people` hold of every move of ours: gain and words, each with its standard error.

    The ratios of gains are those of the new contents that people give. Their scale is that of `attuned`: the mean over
    the counsellors' turns is the same.
    """
    renamed = [Answer(one.transcript, OURS.get(one.move, one.move), one.words, one.new) for one in answers]
    counts = {move: sum(answer.move == move for answer in renamed) for move in MOVES if move not in OURS}
    new, words = fit(renamed, "new"), fit(renamed, "words")
    new_error, words_error = resampled(renamed, "new"), resampled(renamed, "words")
    gives = {move: math.expm1(new[move]) for move in counts}
    attuned: dict[str, float] = {str(move): gain for move, gain in ATTUNED.moves.items()}
    earned = sum(attuned.get(move, 0.0) * count for move, count in counts.items())
    scale = earned / sum(gives[move] * count for move, count in counts.items())
    return {
        move: {
            "gain": _rounded(scale * gives[move], scale * new_error[move] * math.exp(new[move])),
            "words": _rounded(math.expm1(words[move]), words_error[move] * math.exp(words[move])),
            "answers": count,
        }
        for move, count in counts.items()
    }


def _rounded(value: float, error: float) -> dict[str, float]:
    return {"value": round(value, 3), "error": round(error, 3)}


@dataclass(frozen=True)
class Fold:
    """One fold of the check: the order of moves in the other nine, and which moves stand inside the interval here.

    `inside` has, by outcome, the moves whose fitted value lies within the 95 % interval of the held-out transcripts'
    mean, and `seen` the moves that three held-out transcripts or more have.
    """

    order: list[str]
    inside: dict[str, list[str]]
    seen: list[str]


def check_folds(answers: Sequence[Answer], folds: int = FOLDS) -> list[Fold]:
    """Return every fold: transcripts are dealt to the folds in the order of their numbers."""
    return [_fold(answers, number, folds) for number in range(folds)]


def _fold(answers: Sequence[Answer], number: int, folds: int) -> Fold:
    names = sorted({answer.transcript for answer in answers})
    held = set(names[number::folds])
    train = [answer for answer in answers if answer.transcript not in held]
    rest = [answer for answer in answers if answer.transcript in held]
    fits = {outcome: fit(train, outcome) for outcome in OUTCOMES}
    seen = [move for move in MOVES if len({answer.transcript for answer in rest if answer.move == move}) >= 3]
    inside = {
        outcome: [move for move in seen if _holds(fits[outcome][move], _means(rest, move, outcome))]
        for outcome in OUTCOMES
    }
    return Fold(sorted(MOVES, key=lambda move: -fits["new"][move]), inside, seen)


def _means(answers: Sequence[Answer], move: str, outcome: str) -> list[float]:
    """Return the mean outcome after a move in each transcript that has it."""
    by_transcript: dict[int, list[float]] = defaultdict(list)
    for answer in answers:
        if answer.move == move:
            by_transcript[answer.transcript].append(getattr(answer, outcome))
    return [float(np.mean(values)) for values in by_transcript.values()]


def _holds(value: float, people: Sequence[float]) -> bool:
    """Return whether a value lies in the 95 % interval (Student's t) of the mean of people's values."""
    half = student_quantile(0.975, len(people) - 1) * float(np.std(people, ddof=1)) / math.sqrt(len(people))
    return abs(value - float(np.mean(people))) <= half


def report(answers: Sequence[Answer]) -> str:
    """Return the fitted values and the check, as Markdown."""
    lines = ["| move | answers | gain | words |", "| --- | --- | --- | --- |"]
    for move, fitted in rules_of(answers).items():
        gain, words = (f"{fitted[name]['value']:.2f} ± {fitted[name]['error']:.2f}" for name in ("gain", "words"))
        lines.append(f"| {move} | {fitted['answers']} | {gain} | {words} |")
    overall = fit(answers, "new")
    order = sorted(MOVES, key=lambda move: -overall[move])
    main = [move for move in order if move.endswith(("question", "reflection"))]
    folds = check_folds(answers)
    lines += ["", f"order of new content, all transcripts: {', '.join(order)}"]
    for name, kept in (("all eight", order), ("questions and reflections", main)):
        same = sum([move for move in fold.order if move in kept] == kept for fold in folds)
        lines.append(f"order kept ({name}): {same} of {len(folds)} folds")
    for outcome in OUTCOMES:
        counts = [f"{len(fold.inside[outcome])}/{len(fold.seen)}" for fold in folds]
        lines.append(f"{outcome} inside the interval of held-out people, moves by fold: {', '.join(counts)}")
    return "\n".join(lines)


def main() -> None:
    """Prints the fit and its check, and writes the data file."""
    parser = argparse.ArgumentParser(description="Fit the trust rules `people` to AnnoMI.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--write", action="store_true", help="Write the values that ship.")
    arguments = parser.parse_args()
    answers = read_answers(arguments.file)
    print(report(answers))
    if arguments.write:
        FILE.write_text(yaml.safe_dump({"source": SOURCE, "moves": rules_of(answers)}, sort_keys=False), "utf-8")


if __name__ == "__main__":
    main()
