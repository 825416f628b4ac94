"""Fit the layer for Chinese sentences without a mark: rules' answer and runs of characters against "ended in ?".

    python -m cocoon.benchmarks.evaluation.question_layer --data FOLDER [--out FILE]

`--data` names a folder with `smile/*.jsonl` (CC0 1.0), `cpsycoun/CPsyCounD_part1.jsonl` (CC BY 4.0) and `sage/*.jsonl`
(MIT). Every second dialogue is left out, because the held-out labels come from there. The label of a sentence is
whether its author ended it in a question mark, which is then taken away. It needs scikit-learn (`cocoon[steer]`).
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from cocoon.benchmarks.evaluation.questions import without_marks
from cocoon.core.jsonl import read_lines, write_whole
from cocoon.evaluation.questions import chinese_layer
from cocoon.evaluation.questions.chinese import classify_by_rule
from cocoon.evaluation.questions.records import QUESTION_TYPES
from cocoon.evaluation.questions.sentences import sentences

SHORTEST, LONGEST = 3, 100
"""Characters of the sentences that are learned from."""
FEWEST = 8
"""Sentences in which a run of characters must stand."""
PENALTY = 0.3
THRESHOLD = -0.5
"""Both chosen on the development sentences. Below 0, because readers of a sentence without marks call more of them
questions than the authors marked."""
_SPEAKER = re.compile(r"\s*(?:来访者|心理咨询师)\s*[:：](.*)")


def training_texts(data: Path) -> Iterator[str]:
    """Yield the turns of every second dialogue."""
    for name in ("smile/*.jsonl", "cpsycoun/CPsyCounD_part1.jsonl", "sage/*result.jsonl"):
        for path in sorted(data.glob(name)):
            for number, (_, dialogue) in enumerate(read_lines(path)):
                if number % 2 == 0:
                    yield from _turns(dialogue)


def _turns(dialogue: dict[str, Any]) -> Iterator[str]:
    if "raw" in dialogue:
        yield from (match[1] for line in dialogue["raw"].splitlines() if (match := _SPEAKER.match(line)))
    else:
        yield from (turn["content"] for turn in dialogue.get("dialog") or dialogue["history"])


def training_pairs(data: Path) -> dict[str, bool]:
    """Return sentences without their marks, each with whether it ended in a question mark."""
    pairs: dict[str, bool] = {}
    for text in training_texts(data):
        for sentence in sentences(text, "zh"):
            if SHORTEST <= len(sentence) <= LONGEST:
                marked = not {"?", "？"}.isdisjoint(sentence[-3:])
                asks_nobody = marked and classify_by_rule(sentence) in ("rhetorical", "reported")
                pairs.setdefault(without_marks(sentence), marked and not asks_nobody)
    return pairs


def fit(pairs: dict[str, bool]) -> chinese_layer.LayerWeights:
    """Return the weights, most of which the penalty sets to 0."""
    texts = list(pairs)
    types = [QUESTION_TYPES.index(classify_by_rule(text)) for text in texts]
    analyzer: Any = chinese_layer.runs_of
    vectorizer: Any = CountVectorizer(analyzer=analyzer, min_df=FEWEST, binary=True)
    by_rule = sparse.csr_matrix(np.eye(len(QUESTION_TYPES))[types] * 2)
    features = sparse.hstack([vectorizer.fit_transform(texts), by_rule]).tocsr()
    model: Any = LogisticRegression(C=PENALTY, l1_ratio=1, solver="liblinear", random_state=0)
    model.fit(features, list(pairs.values()))
    coefficients = model.coef_[0].tolist()
    runs = dict(zip(vectorizer.get_feature_names_out().tolist(), coefficients, strict=False))
    return chinese_layer.LayerWeights(
        bias=round(float(model.intercept_[0]), 3),
        threshold=THRESHOLD,
        rules={
            kind: round(2 * weight, 3)
            for kind, weight in zip(QUESTION_TYPES, coefficients[-len(QUESTION_TYPES) :], strict=True)
        },
        runs={run: round(weight, 3) for run, weight in sorted(runs.items()) if round(weight, 3)},
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the layer and write its weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--out", type=Path, default=Path(chinese_layer.__file__).parent / chinese_layer.WEIGHTS)
    options = parser.parse_args(arguments)
    pairs = training_pairs(options.data)
    weights = fit(pairs)
    text = json.dumps(weights.model_dump(), ensure_ascii=False, indent=1)
    write_whole(options.out, [f"{text}\n".encode()])
    print(f"{len(pairs)} sentences, {sum(pairs.values())} questions, {len(weights.runs)} runs of characters")


if __name__ == "__main__":
    main()
