"""How well questions are told on sentences that no rule was made on, beside "?" alone and a logistic regression.

    python -m cocoon.benchmarks.evaluation.blind_questions --data FOLDER [--wrong]

The labels are in tests/data/questions/blind.{zh,en}.jsonl. The texts of SMILE (CC0 1.0) stand beside their labels. The
other sentences are found by their hash in the corpora of `--data` (`cpsycoun`, `sage`, `multiesc_esconv`, `esconv`,
`annomi`), and are left out where the corpus is not there. `annomi/*.csv` is also scored against its experts. The
regression over runs of characters is fitted on the development sentences, and needs scikit-learn (`cocoon[steer]`).
"""

import argparse
import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.pipeline import make_pipeline

from cocoon.benchmarks.evaluation.questions import LABELLED, Score, corpus_sentences, labelled, score, without_marks
from cocoon.core.jsonl import read_lines, read_records
from cocoon.core.records import Language, Record
from cocoon.evaluation.questions.detection import classify, questions, sentences
from cocoon.evaluation.questions.records import GENUINE, QuestionType

Asks = Callable[[str], bool]


class BlindLabel(Record):
    """A sentence of a corpus and how it was read, without sight of the detector.

    `source` is the dialogue, `hash` the first 16 digits of the SHA-256 of the sentence as it stands there. `marked` is
    false where the final marks were taken away before reading. `readings` has the types of each reading, and `type` the
    one that counts. `text` is None where the licence of the corpus does not let it stand here.
    """

    source: str
    hash: str
    marked: bool
    stratum: str
    split: Literal["development", "held_out"]
    readings: list[QuestionType]
    type: QuestionType
    text: str | None


def blind_labels(language: Language) -> list[BlindLabel]:
    """Return the labels of a language."""
    return list(read_records(LABELLED / f"blind.{language}.jsonl", BlindLabel))


def digest(sentence: str) -> str:
    """Return the hash under which a sentence is labelled."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:16]


def joined(labels: Sequence[BlindLabel], data: Path, language: Language) -> list[tuple[BlindLabel, str]]:
    """Return the labels with the text that was read, without those whose corpus is not in `data`."""
    wanted = {label.hash for label in labels if label.text is None}
    known = {digest(sentence): sentence for sentence in sentences_of(data, language) if digest(sentence) in wanted}
    pairs: list[tuple[BlindLabel, str]] = []
    for label in labels:
        if label.text is not None:
            pairs.append((label, label.text))
        elif label.hash in known:
            sentence = known[label.hash]
            pairs.append((label, sentence if label.marked else without_marks(sentence)))
    return pairs


def sentences_of(data: Path, language: Language) -> Iterator[str]:
    """Yield the sentences of the corpora that may not be shipped."""
    if language == "zh":
        for path in sorted(data.glob("cpsycoun/CPsyCounD*.jsonl")):
            yield from corpus_sentences(path, "zh")
    for text in _turns(data, language):
        yield from sentences(text, language)


def _turns(data: Path, language: Language) -> Iterator[str]:
    if language == "zh":
        for path in sorted(data.glob("sage/*result.jsonl")):
            yield from (turn["content"] for _, value in read_lines(path) for turn in value["history"])
        return
    for path in sorted(data.glob("multiesc_esconv/*.jsonl")):
        yield from (turn["text"] for _, value in read_lines(path) for turn in value["dialog"])
    for path in sorted(data.glob("esconv/FailedESConv.json")):
        yield from (turn["content"] for value in json.loads(path.read_text("utf-8")) for turn in value["dialog"])
    yield from (row["utterance_text"] for row in expert_rows(data))


def expert_rows(data: Path) -> list[dict[str, str]]:
    """Return the therapists' utterances of AnnoMI (Wu et al. 2022), one row for each annotator."""
    rows: list[dict[str, str]] = []
    for path in sorted(data.glob("annomi/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [row for row in csv.DictReader(file) if row["interlocutor"] == "therapist"]
    return rows


def turn_type(text: str) -> QuestionType:
    """Return how an utterance asks: open if a sentence asks openly or probes, else closed or tag, else none."""
    types: list[QuestionType] = [
        sentence.type for sentence in questions(text, "en") if sentence.type in GENUINE | {"probe"}
    ]
    if not types:
        return "none"
    return "open" if not {"open", "probe"}.isdisjoint(types) else types[0]


def marks_ask(text: str) -> bool:
    """Return whether a text contains a question mark."""
    return not {"?", "？"}.isdisjoint(text)


def regression(language: Language, development: Sequence[tuple[BlindLabel, str]]) -> Asks:
    """Return a logistic regression over runs of 1 to 5 characters, fitted on all development sentences."""
    texts = [sentence.text for sentence in labelled(language)] + [text for _, text in development]
    types = [sentence.type for sentence in labelled(language)] + [label.type for label, _ in development]
    model = make_pipeline(
        TfidfVectorizer(analyzer="char_wb" if language == "en" else "char", ngram_range=(1, 5), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000, class_weight="balanced", random_state=0),
    )
    model.fit(texts, [kind in GENUINE for kind in types])
    return lambda text: bool(model.predict([text])[0])


def _scored(pairs: Sequence[tuple[BlindLabel, str]], asks: Asks) -> Score:
    return score((label.type in GENUINE, asks(text)) for label, text in pairs)


def print_blind(language: Language, data: Path, wrong: bool) -> None:
    """Print agreement of the readings, and every detector on the held-out sentences."""
    labels = blind_labels(language)
    held = [label for label in labels if label.split == "held_out"]
    first, second = zip(*(label.readings for label in held), strict=True)
    asking = [[kind in GENUINE for kind in reading] for reading in (first, second)]
    print(f"\n{language}: {len(held)} held-out sentences, {len(labels) - len(held)} of development")
    print(
        f"  two readings: kappa question {cohen_kappa_score(*asking):.3f}, types {cohen_kappa_score(first, second):.3f}"
    )
    pairs = joined(labels, data, language)
    development = [pair for pair in pairs if pair[0].split == "development"]
    detectors: dict[str, Asks] = {
        "detector": lambda text: classify(text, language) in GENUINE,
        'contains "?"': marks_ask,
        "regression": regression(language, development),
    }
    held_pairs = [pair for pair in pairs if pair[0].split == "held_out"]
    for marked in (True, False):
        part = [pair for pair in held_pairs if pair[0].marked == marked]
        print(f"  {'with marks' if marked else 'without marks'}, n {len(part)}")
        for name, asks in detectors.items():
            print(f"    {name:<13} {_scored(part, asks)}")
    found = [(label.type, classify(text, language)) for label, text in held_pairs]
    probes = score((kind == "probe", told == "probe") for kind, told in found)
    print(f"  probe against all else  {probes}")
    print(f"  same type {sum(kind == told for kind, told in found) / len(found):.3f} of {len(found)}")
    for (_, text), (kind, told) in zip(held_pairs, found, strict=True) if wrong else []:
        if kind != told:
            print(f"  {'!' if (kind in GENUINE) != (told in GENUINE) else ' '} {kind} taken for {told}: {text}")


def print_experts(data: Path) -> None:
    """Print agreement with AnnoMI's experts, on transcripts that rules were made on and on the others."""
    parts = {"rules were made on": lambda number: number % 6 != 0, "held out": lambda number: number % 6 == 0}
    rows = expert_rows(data)
    for name, belongs in [*parts.items(), ("all", lambda _: True)]:
        part = [row for row in rows if belongs(int(row["transcript_id"]))]
        if not part:
            continue
        expert = [row["question_exists"] == "True" for row in part]
        types = [turn_type(row["utterance_text"]) for row in part]
        own = [any(sentence.genuine for sentence in questions(row["utterance_text"], "en")) for row in part]
        print(f"\nannomi, {name}: {len(part)} labels of {len({row['transcript_id'] for row in part})} transcripts")
        print(f"  question or probe: kappa {cohen_kappa_score(expert, [kind != 'none' for kind in types]):.3f}", end="")
        print(f"; question alone {cohen_kappa_score(expert, own):.3f}", end="")
        print(f'; "?" {cohen_kappa_score(expert, [marks_ask(row["utterance_text"]) for row in part]):.3f}')
        counts = Counter(
            (row["question_subtype"], "closed" if kind == "tag" else kind)
            for row, kind in zip(part, types, strict=True)
            if row["question_exists"] == "True"
        )
        for kind in ("open", "closed"):
            total = sum(count for (wanted, _), count in counts.items() if wanted == kind)
            print(f"  {kind}: found as such {counts[kind, kind]} of {total} ({counts[kind, kind] / total:.3f})")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--wrong", action="store_true", help="list the held-out sentences that are told wrong")
    options = parser.parse_args(arguments)
    for language in ("zh", "en"):
        print_blind(language, options.data, options.wrong)
    print_experts(options.data)


if __name__ == "__main__":
    main()
