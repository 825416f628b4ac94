"""How well questions are told from statements: on sentences labelled by hand, and on corpora as weaker checks.

    python -m cocoon.benchmarks.evaluation.questions [--data FOLDER] [--wrong]

The hand-labelled set is in tests/data/questions with its guideline. `--data` names a folder with corpora that may not
be shipped: `ppdpp_esconv/*.jsonl` and `multiesc_esconv/*.jsonl` (supporter turns with ESConv's strategies; `Question`
is the label, beside "contains ?"), `smile/*.jsonl` and `cpsycoun/CPsyCounD*.jsonl` (marks taken away, "?" the label).
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cocoon.core.jsonl import read_lines, read_records
from cocoon.core.records import Language, Record
from cocoon.evaluation.questions.detection import asks, classify, sentences
from cocoon.evaluation.questions.records import GENUINE, QUESTION_TYPES, QuestionType

LABELLED = Path(__file__).resolve().parent.parent.parent / "tests" / "data" / "questions"
Split = Literal["development", "held_out"]
_FINAL = re.compile(r"[。！？!?.…~～，,：:]+(?=[\"”'’」』）)]*$)")
_SPEAKER = re.compile(r"\s*(?:来访者|心理咨询师)\s*[:：](.*)")


class LabelledSentence(Record):
    """A sentence labelled by hand; `marked` is false where its marks were taken away before labelling."""

    text: str
    type: QuestionType
    marked: bool
    source: str
    split: Split


class Score(NamedTuple):
    """Agreement on the positive class, as counts."""

    hits: int
    false_alarms: int
    misses: int

    @property
    def precision(self) -> float | None:
        """Hits / found; none where nothing was found."""
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float | None:
        """Hits / labelled; none where nothing is labelled."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; none where neither is known."""
        return _share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)

    def __str__(self) -> str:
        shares = (self.precision, self.recall, self.f1)
        return "P {} R {} F1 {}".format(*("  -  " if one is None else f"{one:.3f}" for one in shares))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def score(pairs: Iterable[tuple[bool, bool]]) -> Score:
    """The score of (labelled, found) pairs."""
    counts = Counter(pairs)
    return Score(counts[True, True], counts[False, True], counts[True, False])


def labelled(language: Language) -> list[LabelledSentence]:
    """The hand-labelled sentences of a language."""
    return list(read_records(LABELLED / f"{language}.jsonl", LabelledSentence))


def confusion(some: Sequence[LabelledSentence], language: Language) -> Counter[tuple[QuestionType, QuestionType]]:
    """How often (type by hand, type found) occurs."""
    return Counter((one.type, classify(one.text, language)) for one in some)


def genuine_score(counts: Counter[tuple[QuestionType, QuestionType]]) -> Score:
    """Genuine question against everything else, from a confusion."""
    return score((by_hand in GENUINE, found in GENUINE) for by_hand, found in counts.elements())


def supporter_turns(path: Path) -> Iterator[tuple[bool, str]]:
    """(labelled `Question`, text) of each supporter turn of an ESConv mirror; of merged turns any label counts."""
    for _, value in read_lines(path):
        for turn in value["dialog"]:
            if turn["speaker"] == "sys":
                yield "Question" in turn.get("all_strategy", [turn.get("strategy")]), turn["text"]


def corpus_sentences(path: Path, language: Language) -> Iterator[str]:
    """Every sentence of a SMILE or CPsyCounD file, as written."""
    for _, value in read_lines(path):
        for text in _texts(value):
            yield from sentences(text, language)


def _texts(value: dict[str, Any]) -> Iterator[str]:
    if "raw" in value:
        yield from (match[1] for line in value["raw"].splitlines() if (match := _SPEAKER.match(line)))
    else:
        yield from (turn["content"] for turn in value["dialog"])


def without_marks(sentence: str) -> str:
    """The sentence without its final marks."""
    return _FINAL.sub("", sentence).rstrip()


def _print_labelled(language: Language, wrong: bool) -> None:
    every = labelled(language)
    print(f"\n{language}: {len(every)} sentences labelled by hand")
    for marked in (True, False):
        some = [one for one in every if one.marked == marked]
        parts: dict[str, list[LabelledSentence]] = {"all": some}
        for split in ("development", "held_out"):
            parts[split] = [one for one in some if one.split == split]
        for name, part in parts.items():
            with_ = "with marks   " if marked else "without marks"
            print(f"  {with_} {name:<12} n {len(part):>3}  {genuine_score(confusion(part, language))}")
    _print_confusion(confusion(every, language))
    if wrong:
        _print_wrong(every, language)


def _print_confusion(counts: Counter[tuple[QuestionType, QuestionType]]) -> None:
    print("  by hand \\ found " + "".join(f"{kind:>12}" for kind in QUESTION_TYPES))
    for by_hand in QUESTION_TYPES:
        print(f"  {by_hand:<16}" + "".join(f"{counts[by_hand, found]:>12}" for found in QUESTION_TYPES))


def _print_wrong(every: Sequence[LabelledSentence], language: Language) -> None:
    print("  wrong (! where question and statement are confused)")
    for one in every:
        found = classify(one.text, language)
        if found != one.type:
            grave = "!" if (found in GENUINE) != (one.type in GENUINE) else " "
            print(f"  {grave} {one.split:<12}{one.type:>11} taken for {found:<11}{one.text}")


def _print_strategies(data: Path) -> None:
    for folder in ("ppdpp_esconv", "multiesc_esconv"):
        for path in sorted((data / folder).glob("*.jsonl")) or _absent(data / folder):
            turns = list(supporter_turns(path))
            print(f"\n{folder}/{path.name}: {len(turns)} supporter turns, label: strategy Question")
            print(f"  detector     {score((label, asks(text, 'en')) for label, text in turns)}")
            print(f'  contains "?" {score((label, "?" in text) for label, text in turns)}')
            bare = [(label, "\n".join(map(without_marks, sentences(text, "en")))) for label, text in turns]
            print(f"  detector     {score((label, asks(text, 'en')) for label, text in bare)}  (marks taken away)")


def _print_recovery(data: Path) -> None:
    for pattern in ("smile/*.jsonl", "cpsycoun/CPsyCounD*.jsonl"):
        for path in sorted(data.glob(pattern)) or _absent(data / pattern):
            every = list(corpus_sentences(path, "zh"))
            pairs = (("？" in one[-2:] or "?" in one[-2:], without_marks(one)) for one in every)
            found = score((label, classify(bare, "zh") in GENUINE) for label, bare in pairs)
            print(f'\n{path.parent.name}/{path.name}: {len(every)} sentences, marks taken away, label: ends in "?"')
            print(f"  detector     {found}")


def _absent(place: Path) -> list[Path]:
    print(f"\n{place.parent.name}/{place.name}: not there, skipped")
    return []


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the corpora of the weaker checks")
    parser.add_argument("--wrong", action="store_true", help="list the labelled sentences that are told wrong")
    options = parser.parse_args(arguments)
    for language in ("zh", "en"):
        _print_labelled(language, options.wrong)
    if options.data is None:
        print("\nno --data: the weaker checks on corpora are skipped")
        return
    _print_strategies(options.data)
    _print_recovery(options.data)


if __name__ == "__main__":
    main()
