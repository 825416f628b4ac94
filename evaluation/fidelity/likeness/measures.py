"""What is measured of how a user talks, in one talk, the same for people and for simulated users.

Words are tokens without punctuation marks. Neighbouring utterances of one side count as one turn. Nothing here knows a
profile, because people in corpora have none.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from statistics import fmean, pstdev

from cocoon.core.records import Language, Move, Turn
from cocoon.evaluation.fidelity.flags.agreement import agrees_emptily
from cocoon.evaluation.fidelity.flags.inversion import inverts_roles
from cocoon.evaluation.fidelity.likeness.hedges import HEDGES, REFUSALS
from cocoon.evaluation.fidelity.users import opening
from cocoon.evaluation.questions.detection import asks
from cocoon.evaluation.text.contents import contents
from cocoon.evaluation.text.moves import move_by_rule
from cocoon.evaluation.text.tokens import ngrams, words_of

WINDOW = 30
"""Words of a stretch whose variety is counted (moving average of the type-token ratio, Covington and McFall 2010)."""
FEWEST_TURNS = 3
"""A talk with fewer turns of the user has no thirds and no variation."""
ANSWERED_MOVES: tuple[Move, ...] = (
    "simple_reflection",
    "complex_reflection",
    "open_question",
    "closed_question",
    "advice",
    "self_disclosure",
    "other",
)
"""The moves that words alone tell. Naming, probing and pressing cannot be seen without a profile."""


@dataclass(frozen=True)
class UserAnswer:
    """A turn of the user, and what the supporter said before it, empty where the user began."""

    before: str
    text: str


@dataclass(frozen=True)
class UserTalk:
    """One dialogue as it is measured."""

    answers: Sequence[UserAnswer]
    language: Language

    @cached_property
    def words(self) -> list[list[str]]:
        """The words of each turn of the user."""
        return [words_of(answer.text) for answer in self.answers]

    @cached_property
    def lengths(self) -> list[int]:
        """The number of words of each turn."""
        return [len(words) for words in self.words]

    @cached_property
    def new_contents(self) -> list[int]:
        """How many contents each turn has that no turn of the user had before."""
        known: set[str] = set()
        new: list[int] = []
        for answer in self.answers:
            fresh = contents(answer.text) - known
            known |= fresh
            new.append(len(fresh))
        return new

    def third(self, number: int) -> slice:
        """Return where a third of the turns lies, 0 to 2."""
        total = len(self.answers)
        return slice(-(-number * total // 3), -(-(number + 1) * total // 3))


def talk_of(turns: Sequence[Turn], language: Language) -> UserTalk:
    """Return a dialogue as it is measured."""
    answers: list[UserAnswer] = []
    before = ""
    for role, run in groupby(turns, lambda turn: turn.role):
        text = " ".join(turn.content for turn in run)
        if role == "user":
            answers.append(UserAnswer(before, text))
        before = text if role == "supporter" else ""
    return UserTalk(answers, language)


def _mean_length(number: int) -> Callable[[UserTalk], float | None]:
    def measure(talk: UserTalk) -> float | None:
        return fmean(talk.lengths[talk.third(number)]) if len(talk.answers) >= FEWEST_TURNS else None

    return measure


def _growth(talk: UserTalk) -> float | None:
    """Return how often the first third's length doubles until the last third. Below 0 the turns grow shorter."""
    first, last = _mean_length(0)(talk), _mean_length(2)(talk)
    return math.log2((last + 1) / (first + 1)) if first is not None and last is not None else None


def _variation(talk: UserTalk) -> float | None:
    mean = fmean(talk.lengths) if len(talk.answers) >= FEWEST_TURNS else 0
    return pstdev(talk.lengths) / mean if mean else None


def _told_early(talk: UserTalk) -> float | None:
    total = sum(talk.new_contents)
    return sum(talk.new_contents[talk.third(0)]) / total if total and len(talk.answers) >= FEWEST_TURNS else None


def _told_late(talk: UserTalk) -> float | None:
    return fmean(talk.new_contents[talk.third(2)]) if len(talk.answers) >= FEWEST_TURNS else None


def _share(counts: Callable[[UserTalk, str], bool]) -> Callable[[UserTalk], float | None]:
    def measure(talk: UserTalk) -> float | None:
        return fmean(counts(talk, answer.text) for answer in talk.answers) if talk.answers else None

    return measure


def _hedging(talk: UserTalk) -> float | None:
    total = sum(talk.lengths)
    count = sum(len(HEDGES[talk.language].findall(answer.text.replace("’", "'"))) for answer in talk.answers)
    return 100 * count / total if total else None


def _agrees(talk: UserTalk) -> float | None:
    answers = [answer for answer in talk.answers if answer.before]
    empty = [agrees_emptily(answer.text, answer.before, talk.language) for answer in answers]
    return fmean(empty) if empty else None


def _refuses(talk: UserTalk, text: str) -> bool:
    return REFUSALS[talk.language].search(text.replace("’", "'")) is not None


def _variety(talk: UserTalk) -> float | None:
    words = [word for turn in talk.words for word in turn]
    if len(words) < WINDOW:
        return None
    counts = Counter(words[:WINDOW])
    distinct = [len(counts)]
    for gone, new in zip(words, words[WINDOW:], strict=False):
        counts[new] += 1
        counts[gone] -= 1
        if not counts[gone]:
            del counts[gone]
        distinct.append(len(counts))
    return fmean(distinct) / WINDOW


def _same_opening(talk: UserTalk) -> float | None:
    openings = Counter(filter(None, (opening(answer.text) for answer in talk.answers)))
    return openings.most_common(1)[0][1] / openings.total() if openings.total() >= FEWEST_TURNS else None


def _own_words_again(talk: UserTalk) -> float | None:
    """Return the share of the pairs of words, from the second turn on, that stood in an earlier turn."""
    known: set[tuple[str, ...]] = set()
    again = total = 0
    for number, words in enumerate(talk.words):
        pairs = list(ngrams(words, 2))
        if number:
            total += len(pairs)
            again += sum(pair in known for pair in pairs)
        known.update(pairs)
    return again / total if total else None


@dataclass(frozen=True)
class TalkMeasure:
    """A measure of a talk. `words` names it in tables, and `digits` are the decimals shown of it."""

    id: str
    words: str
    value: Callable[[UserTalk], float | None]
    digits: int = 2


MEASURES_OF_TALK: tuple[TalkMeasure, ...] = (
    TalkMeasure("first_third", "words a turn, first third", _mean_length(0), 1),
    TalkMeasure("middle_third", "words a turn, middle third", _mean_length(1), 1),
    TalkMeasure("last_third", "words a turn, last third", _mean_length(2), 1),
    TalkMeasure("growth", "doublings of length, first to last third", _growth),
    TalkMeasure("variation", "variation of length within a talk", _variation),
    TalkMeasure("asks_back", "turns that ask back", _share(lambda talk, text: asks(text, talk.language))),
    TalkMeasure(
        "counsels", "turns that counsel the supporter", _share(lambda talk, text: inverts_roles(text, talk.language))
    ),
    TalkMeasure("agrees", "turns that only agree", _agrees),
    TalkMeasure("told_early", "told in the first third", _told_early),
    TalkMeasure("told_late", "new contents a turn, last third", _told_late, 1),
    TalkMeasure("hedges", "hedges per 100 words", _hedging),
    TalkMeasure("refusals", "turns that refuse or evade", _share(_refuses)),
    TalkMeasure("variety", "different words of 30", _variety),
    TalkMeasure("same_opening", "turns with the most frequent opening", _same_opening),
    TalkMeasure("own_words", "own pairs of words again", _own_words_again),
)


def replies_by_move(talk: UserTalk) -> Mapping[Move, list[int]]:
    """Return the lengths in words of the user's turns after each move of the supporter, found by rule."""
    lengths: dict[Move, list[int]] = defaultdict(list)
    for move, length in _answered(talk):
        lengths[move].append(length)
    return lengths


def _answered(talk: UserTalk) -> Iterator[tuple[Move, int]]:
    earlier: list[str] = []
    for answer, length in zip(talk.answers, talk.lengths, strict=True):
        if answer.before:
            yield move_by_rule(answer.before, " ".join(earlier), talk.language), length
        earlier.append(answer.text)


def measure_talk(talk: UserTalk) -> dict[str, float | None]:
    """Return every measure of a talk by its id, None where the talk is too short for it.

    `after_MOVE` is the mean length of the answers to a move over that of all answers of the talk.
    """
    values = {measure.id: measure.value(talk) for measure in MEASURES_OF_TALK}
    mean = fmean(talk.lengths) if talk.lengths else 0
    lengths = replies_by_move(talk) if mean else {}
    after = {f"after_{move}": fmean(lengths[move]) / mean if lengths.get(move) else None for move in ANSWERED_MOVES}
    return values | after
