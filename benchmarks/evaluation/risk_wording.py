"""Fit what reads a turn's wording as a whole for risk, and check it on writers and people that were left out.

    python -m cocoon.benchmarks.evaluation.risk_wording --data FOLDER [--check | --out FOLDER]

It learns from the labelled turns in `tests/data/crisis_turns` (all but the blind ones), from turns and memories of this
repository in which nobody speaks of risk, and from turns of people: every second dialogue of SMILE (CC0 1.0) and AnnoMI
(Wu et al., Future Internet 15(3):110, 2023), but for turns in which a form of risk is found. FOLDER holds these corpora
as their authors publish them. Only phrases that stand in turns of this repository are kept. `--check` fits it anew for
each writer without their turns, and counts what it flags in dialogues of people that it never learned from. It needs
scikit-learn (`cocoon[steer]`).

The model is a logistic regression. Its features count over the root of how many a turn has, scaled by how much more
often they stand in turns with risk (Wang and Manning, ACL 2012). Those with the largest weights are fitted again.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from cocoon.core.jsonl import read_lines, write_whole
from cocoon.core.records import Language
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.safety import wording
from cocoon.evaluation.safety.records import RISK_FLAGS, RiskFlag
from cocoon.evaluation.safety.risk import risk_by_form, risk_by_wording
from cocoon.evaluation.safety.wording import SentenceWording, WordingModel, WordingWeights

ROOT = Path(__file__).parents[2]
TURNS = ROOT / "tests" / "data"
PEOPLE: Mapping[Language, Mapping[str, str]] = {
    "en": {"annomi": "annomi/annomi_even.csv"},
    "zh": {"smile": "smile/smilechat_sample1228.jsonl"},
}
UNSEEN: Mapping[Language, Mapping[str, str]] = {
    "en": {"esconv": "multiesc_esconv/valid.jsonl", "esconv-failed": "esconv/FailedESConv.json"},
    "zh": {"smile": "smile/smilechat_sample1228.jsonl", "cpsycoune": "cpsycoun/CPsyCounE_all.json"},
}
FEWEST = 3
"""Sentences and turns in which a feature must stand."""
MOST: Mapping[Language, int] = {"en": 15_000, "zh": 20_000}
MOST_FOR_KINDS = 2_000
"""Features that are kept."""
PENALTY = 10.0
THRESHOLDS: Mapping[Language, float] = {"en": 0.25, "zh": -1.0}
"""Chosen by what `--check` prints: at most about one turn in a hundred of people is flagged."""

FORMS_MADE_ON = (0, 1, 2)
"""Writers whose turns were in view when the forms were made."""

Feature = tuple[str, str]
"""The kind (`phrases` or `pieces`) and the text."""


@dataclass(frozen=True)
class Turn:
    """A turn, its risk if any, the words that matter, and who wrote it (0: not one of the writers)."""

    text: str
    risk: RiskFlag | None = None
    where: str | None = None
    writer: int = 0


@dataclass(frozen=True)
class Example:
    """A sentence, or the sentences of a turn, to learn from."""

    wordings: list[SentenceWording]
    risk: RiskFlag | None


def labelled_turns(language: Language) -> Iterator[Turn]:
    """Yield the turns of this repository that have a label."""
    for name in (f"{language}.jsonl", "unforeseen.jsonl", f"others.{language}.jsonl", f"plain.{language}.jsonl"):
        for _, line in read_lines(TURNS / "crisis_turns" / name):
            if line.get("language", language) == language:
                risk: Any = f"risk_{line['risk']}" if line.get("risk") else None
                yield Turn(line["text"], risk, line.get("where"), line.get("writer", 0))


def plain_texts(language: Language) -> Iterator[str]:
    """Yield turns and memories of this repository in which nobody is known to speak of risk."""
    for _, line in read_lines(TURNS / "user_flags" / f"others.{language}.jsonl"):
        yield line["text"]
    for _, person in read_lines(ROOT / "examples" / "open" / f"{language}.jsonl"):
        yield from (memory["text"] for memory in person["memory"])


def people_texts(files: Mapping[str, str], data: Path, *, learned: bool) -> Iterator[str]:
    """Yield the turns of people in corpora, of SMILE in every second dialogue: those learned from, or the others."""
    for name, file in files.items():
        for number, dialogue in enumerate(read_corpus(name, data / file, skip_unreadable=True).dialogues):
            if name != "smile" or (number % 2 == 0) == learned:
                yield from (turn.content for turn in dialogue.turns if turn.role == "user")


def plain_turns(texts: Iterable[str], language: Language) -> list[Turn]:
    """Return texts as turns without risk, leaving out those in which a form finds it."""
    return [Turn(text) for text in dict.fromkeys(texts) if risk_by_form(text, language) is None]


def examples_of(turn: Turn, language: Language) -> Iterator[Example]:
    """Yield a turn and its sentences. A sentence has the risk of its turn if it has words that matter."""
    wordings = wordings_of(turn.text, language)
    yield Example(list(wordings.values()), turn.risk)
    if len(wordings) > 1 and (turn.where or turn.risk is None):
        matter = wording.rough_sentences(turn.where or "")
        for sentence, said in wordings.items():
            matters = any(words in sentence or sentence in words for words in matter)
            yield Example([said], turn.risk if matters else None)


@cache
def wordings_of(text: str, language: Language) -> dict[str, SentenceWording]:
    """Return the sentences of a turn, each with its wording."""
    return {sentence: SentenceWording(sentence, language) for sentence in wording.rough_sentences(text)}


def counted(wordings: Sequence[SentenceWording]) -> Counter[Feature]:
    """Return how often each feature stands in sentences. A phrase counts once."""
    phrases = {("phrases", phrase): 1 for sentence in wordings for phrase in sentence.phrases}
    words = (word for sentence in wordings for word in sentence.words)
    return Counter(phrases) + Counter(("pieces", piece) for word in words for piece in wording.pieces_of(word))


def only_phrases(features: Counter[Feature]) -> Counter[Feature]:
    """Return the features without pieces of words."""
    return Counter({feature: number for feature, number in features.items() if feature[0] == "phrases"})


class Fit:
    """Features with their weights, of one question about examples: is it so?"""

    def __init__(self, examples: Sequence[Counter[Feature]], labels: Sequence[bool], own: int) -> None:
        """Take the features that stand in FEWEST or more of the first `own` examples."""
        self._examples, self._labels = examples, np.array(labels)
        stands_in = Counter(feature for example in examples[:own] for feature in example)
        self._features = [feature for feature, number in stands_in.items() if number >= FEWEST]
        self._fit()

    def choose(self, most: int) -> None:
        """Keep the features with the largest weights, and fit them again."""
        if len(self._features) > most:
            order = np.argsort(-np.abs(self._weights), kind="stable")[:most]
            self._features = [self._features[number] for number in order.tolist()]
            self._fit()

    def _fit(self) -> None:
        table = self._table()
        inside, outside = (np.asarray((table[rows] > 0).sum(0)).ravel() + 1 for rows in (self._labels, ~self._labels))
        scale = np.abs(np.log((inside / inside.sum()) / (outside / outside.sum())))
        model: Any = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=4000)
        model.fit(table @ sparse.diags(scale), self._labels)
        self._weights: npt.NDArray[np.float64] = model.coef_[0] * scale
        self._bias = float(model.intercept_[0])

    def _table(self) -> Any:
        columns = {feature: column for column, feature in enumerate(self._features)}
        starts, places, values = [0], list[int](), list[float]()
        for example in self._examples:
            known = {feature: number for feature, number in example.items() if feature in columns}
            for kind, few in (("phrases", wording.FEW_PHRASES), ("pieces", wording.FEW_PIECES)):
                numbers = {columns[feature]: number for feature, number in known.items() if feature[0] == kind}
                root = (sum(numbers.values()) + few) ** 0.5
                places += numbers
                values += [number / root for number in numbers.values()]
            starts.append(len(places))
        return sparse.csr_matrix((values, places, starts), shape=(len(starts) - 1, len(columns)))

    @property
    def weights(self) -> WordingWeights:
        """Return the weights as they are shipped."""
        kinds: dict[str, dict[str, float]] = {"phrases": {}, "pieces": {}}
        for (kind, text), weight in sorted(zip(self._features, self._weights.tolist(), strict=True)):
            kinds[kind][text] = round(weight, 2)
        return WordingWeights(bias=round(self._bias, 3), **kinds)


def fit(own: Sequence[Turn], people: Sequence[Turn], language: Language) -> WordingModel:
    """Return the weights of a language, whose features all stand in the repository's `own` turns."""
    own_examples = [example for turn in own for example in examples_of(turn, language)]
    examples = [*own_examples, *(example for turn in people for example in examples_of(turn, language))]
    features = [counted(example.wordings) for example in examples]
    risk = Fit(features, [example.risk is not None for example in examples], len(own_examples))
    risk.choose(MOST[language])
    risky = [example for example in examples if example.risk]
    phrases = [only_phrases(counts) for counts, example in zip(features, examples, strict=True) if example.risk]
    met = {example.risk for example in risky}
    kinds: dict[RiskFlag, Fit] = {
        kind: Fit(phrases, [example.risk == kind for example in risky], len(risky))
        for kind in RISK_FLAGS
        if kind in met
    }
    for of_kind in kinds.values():
        of_kind.choose(MOST_FOR_KINDS)
    of_kinds: dict[RiskFlag, WordingWeights] = {kind: of_kind.weights for kind, of_kind in kinds.items()}
    return WordingModel(threshold=THRESHOLDS[language], risk=risk.weights, kinds=of_kinds)


def check(own: Sequence[Turn], people: Sequence[Turn], unseen: Sequence[str], language: Language) -> None:
    """Print recall and precision on each writer's turns without having learned from them, and flags of people."""
    writers = sorted({turn.writer for turn in own if turn.risk and turn.writer not in FORMS_MADE_ON})
    held_out = {
        writer: (fit([turn for turn in own if turn.writer != writer], people, language), turns_of(own, writer))
        for writer in writers
    }
    turns = [turn for _, theirs in held_out.values() for turn in theirs]
    by_form = [risk_by_form(turn.text, language) is not None for turn in turns]
    print(f"{language}: {len(turns)} turns of {len(writers)} writers. Forms alone: {scores(turns, by_form)}")
    whole = fit(own, people, language)
    learned = {turn.text for turn in people}
    plain = [turn.text for turn in plain_turns(unseen, language) if turn.text not in learned]
    for threshold in np.arange(-1.5, 2.01, 0.25).tolist():
        change = {"threshold": threshold}
        models = {writer: model.model_copy(update=change) for writer, (model, _) in held_out.items()}
        kinds = [risk_by_wording(turn.text, language, models[turn.writer]) for turn in turns]
        both = [kind is not None or form for kind, form in zip(kinds, by_form, strict=True)]
        flagged = sum(risk_by_wording(text, language, whole.model_copy(update=change)) is not None for text in plain)
        risky = [kind == turn.risk for kind, turn in zip(kinds, turns, strict=True) if kind and turn.risk]
        print(
            f"  above {threshold:5.2f}: wording {scores(turns, [kind is not None for kind in kinds])}, "
            f"with forms {scores(turns, both)}, kind right {np.mean(risky):.2f}, "
            f"of {len(plain)} turns of people flagged {flagged} ({flagged / len(plain):.4f})",
            flush=True,
        )


def turns_of(turns: Sequence[Turn], writer: int) -> list[Turn]:
    """Return the turns of a writer."""
    return [turn for turn in turns if turn.writer == writer]


def scores(turns: Sequence[Turn], flagged: Sequence[bool]) -> str:
    """Return recall and precision in words."""
    hits = sum(turn.risk is not None and flag for turn, flag in zip(turns, flagged, strict=True))
    return f"recall {hits / sum(map(bool, (turn.risk for turn in turns))):.3f} precision {hits / sum(flagged):.3f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the weights of both languages, and write them, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    shipped = Path(wording.__file__).parent / "wording"
    parser.add_argument(
        "--out", type=Path, default=shipped, help="folder for the weights; without it, the shipped ones"
    )
    parser.add_argument("--check", action="store_true", help="print how well it does, and write nothing")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for language in get_args(Language):
        own = [*labelled_turns(language), *plain_turns(plain_texts(language), language)]
        people = plain_turns(people_texts(PEOPLE[language], options.data, learned=True), language)
        if options.check:
            unseen = list(people_texts(UNSEEN[language], options.data, learned=False))
            check(own, people, unseen, language)
            continue
        model = fit(own, people, language)
        # One line, because a line for each of thirty thousand weights is no easier to read.
        write_whole(
            options.out / f"{language}.json", [json.dumps(model.model_dump(), ensure_ascii=False).encode(), b"\n"]
        )
        print(f"{language}: {len(own)} turns, {len(people)} of people, {len(model.risk.phrases)} phrases")


if __name__ == "__main__":
    main()
