"""Figures of a corpus of dialogues, counted in one pass: the paper's Table 1 and what stands behind it.

The paper counts turns as runs of one speaker, two to a turn. Neighbouring utterances of one side count as one, and an
unpaired last utterance counts as half a turn. All of SMILE gives 5.69 (printed 5.70), and 260 dialogues of ESConv give
11.70 (printed 11.70): docs/guide/statistics.md.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from cocoon.core.records import Dialogue, Record, Role, Turn
from cocoon.evaluation.text.tokens import TOKENISATION, count_characters, count_tokens

StrategyLevel = Literal["none", "label", "phrase"]

MOST_NAMES = 1_000
OTHERS = "(others)"
LONGEST_LABEL = 6
"""A strategy of up to so many tokens is a label. The longest labels of ESConv and of ExTES have four words each."""

_LONGEST_NAME = 80
# fmt: off
_COUNTED = (
    "dialogues", "runs", "without_turns", "one_sided", "with_need", "with_thought", "turns_with_thought",
    "turns_with_strategy",
)
# fmt: on
_NAMED = ("scenarios", "emotions", "languages", "sources", "licences")
_SEPARATOR = ";"


class CorpusFigures(Record):
    """Figures of one corpus. Averages are None where there is nothing to average.

    `average_turns` follows the paper's counting: runs of one speaker / 2. `utterances` counts utterances as they are in
    the records, and `runs` counts neighbouring utterances of one side as one. `lengths` maps the number of runs in a
    dialogue to the number of dialogues. `with_thought` counts dialogues with at least one analysis behind a turn, and
    `strategies` counts distinct names up to a limit of 1,000.
    """

    dialogues: int
    average_turns: float | None
    utterances: int
    runs: int
    average_utterances: float | None
    user_utterances: float | None
    supporter_utterances: float | None
    without_turns: int
    one_sided: int
    opened_by: dict[str, int]
    lengths: dict[int, int]
    characters_per_turn: dict[str, float | None]
    tokens_per_turn: dict[str, float | None]
    tokenisation: str = TOKENISATION
    with_thought: int
    turns_with_thought: int
    strategy_level: StrategyLevel
    strategies: int
    turns_with_strategy: int
    with_need: int
    scenarios: dict[str, int]
    emotions: dict[str, int]
    languages: dict[str, int]
    sources: dict[str, int]
    licences: dict[str, int]


class NameCounter:
    """Counts names in bounded memory. After 1,000 different names, all new ones are counted as `(others)`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, name: str) -> None:
        """Count a name. An empty name is left out, and a long one is cut."""
        short = " ".join(name[: 4 * _LONGEST_NAME].split())[:_LONGEST_NAME]
        if short:
            self.counts[short if short in self.counts or len(self.counts) < MOST_NAMES else OTHERS] += 1

    def ordered(self) -> dict[str, int]:
        """Return name -> count, the most frequent first, ties by name."""
        return dict(sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0])))


@dataclass
class _Side:
    """Sums over the utterances of one side."""

    utterances: int = 0
    characters: int = 0
    tokens: int = 0

    def add(self, text: str) -> None:
        self.utterances += 1
        self.characters += count_characters(text)
        self.tokens += count_tokens(text)


@dataclass
class CorpusCounter:
    """Adds up dialogues one by one and keeps only counts, however large the corpus is."""

    counts: Counter[str] = field(default_factory=Counter)
    sides: dict[Role, _Side] = field(default_factory=lambda: {"user": _Side(), "supporter": _Side()})
    opened_by: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    strategy_lengths: Counter[int] = field(default_factory=Counter)
    strategies: NameCounter = field(default_factory=NameCounter)
    names: dict[str, NameCounter] = field(default_factory=lambda: {name: NameCounter() for name in _NAMED})

    def add(self, dialogue: Dialogue) -> None:
        """Count one dialogue."""
        self.counts["dialogues"] += 1
        roles = [turn.role for turn in dialogue.turns]
        runs = sum(1 for _ in groupby(roles))
        self.counts["runs"] += runs
        self.lengths[runs] += 1
        self.counts["without_turns"] += not roles
        self.counts["one_sided"] += len(set(roles)) == 1
        self.opened_by.update(roles[:1])
        self.counts["with_need"] += dialogue.profile.need is not None
        for turn in dialogue.turns:
            self._add_turn(turn)
        self.counts["with_thought"] += any(turn.thought and turn.thought.analysis.strip() for turn in dialogue.turns)
        self._add_names(dialogue)

    def _add_turn(self, turn: Turn) -> None:
        self.sides[turn.role].add(turn.content)
        if turn.thought is None:
            return
        self.counts["turns_with_thought"] += bool(turn.thought.analysis.strip())
        parts = [part for part in turn.thought.strategy.split(_SEPARATOR) if part.strip()]
        self.counts["turns_with_strategy"] += bool(parts)
        for part in parts:
            self.strategy_lengths[min(count_tokens(part), 50)] += 1
            self.strategies.add(part.lower())

    def _add_names(self, dialogue: Dialogue) -> None:
        profile = dialogue.profile
        self.names["scenarios"].add(profile.scenario)
        self.names["emotions"].add(profile.emotion)
        self.names["languages"].add(dialogue.language)
        self.names["sources"].add(dialogue.source)
        self.names["licences"].add(dialogue.licence or "not told")

    def figures(self) -> CorpusFigures:
        """Return the figures of everything that was added."""
        user, supporter = self.sides["user"], self.sides["supporter"]
        utterances, dialogues = user.utterances + supporter.utterances, self.counts["dialogues"]
        counted: dict[str, Any] = {name: self.counts[name] for name in _COUNTED}
        counted |= {name: counter.ordered() for name, counter in self.names.items()}
        return CorpusFigures(
            **counted,
            average_turns=_ratio(self.counts["runs"] / 2, dialogues),
            utterances=utterances,
            average_utterances=_ratio(utterances, dialogues),
            user_utterances=_ratio(user.utterances, dialogues),
            supporter_utterances=_ratio(supporter.utterances, dialogues),
            opened_by={role: self.opened_by[role] for role in ("user", "supporter")},
            lengths=dict(sorted(self.lengths.items())),
            characters_per_turn={role: _ratio(side.characters, side.utterances) for role, side in self.sides.items()},
            tokens_per_turn={role: _ratio(side.tokens, side.utterances) for role, side in self.sides.items()},
            strategy_level=self._strategy_level(),
            strategies=len(self.strategies.counts),
        )

    def _strategy_level(self) -> StrategyLevel:
        """Return the level by the lengths of the strategies: a phrase when more than half are longer than a label.

        A corpus with labels can have a few phrases among them.
        """
        total = self.strategy_lengths.total()
        if not total:
            return "none"
        long = sum(count for length, count in self.strategy_lengths.items() if length > LONGEST_LABEL)
        return "phrase" if 2 * long > total else "label"


def corpus_figures(dialogues: Iterable[Dialogue]) -> CorpusFigures:
    """Return the figures of a stream of dialogues, which is read once."""
    counter = CorpusCounter()
    for dialogue in dialogues:
        counter.add(dialogue)
    return counter.figures()


def _ratio(total: float, count: int) -> float | None:
    return total / count if count else None
