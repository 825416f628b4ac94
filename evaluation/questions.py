"""Which sentences ask, and how: typed question detection by rule, with and without question marks.

Open, closed and tag questions are genuine: they ask the listener for an answer. A rhetorical question does not, and
counts as none in every ratio. Definitions: `docs/questions.md`; figures: `python -m cocoon.benchmarks.questions`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from cocoon.core.records import Language, Role, Turn
from cocoon.evaluation.question_chinese import classify_chinese
from cocoon.evaluation.question_english import classify_english
from cocoon.evaluation.question_records import QuestionStats, QuestionType, Sentence, stats_of
from cocoon.evaluation.question_sentences import language_by_script, sentences

_MARKS = frozenset("?？")


def classify(sentence: str, language: Language | None = None) -> QuestionType:
    """The type of one sentence; `language` none: by script."""
    language = language or language_by_script(sentence)
    return classify_chinese(sentence) if language == "zh" else classify_english(sentence)


def questions(text: str, language: Language | None = None) -> list[Sentence]:
    """All sentences of a text, each with its type; `language` none: by the script of the whole text."""
    language = language or language_by_script(text)
    return [Sentence(text=one, type=classify(one, language)) for one in sentences(text, language)]


def asks(text: str, language: Language | None = None) -> bool:
    """Whether a turn has at least one genuine question."""
    return any(sentence.genuine for sentence in questions(text, language))


def counted_turns(turns: Sequence[Turn], role: Role = "supporter") -> list[Turn]:
    """The turns of `role` that count: all but a fixed opening.

    The opening is fixed when the dialogue begins with the supporter, that turn took no call, and others did: in
    a corpus from elsewhere no turn names calls, and all of them count.
    """
    fixed = bool(turns) and turns[0].role == "supporter" and not turns[0].calls and any(one.calls for one in turns)
    return [turn for turn in turns[1 if fixed else 0 :] if turn.role == role]


def question_ratio(turns: Sequence[Turn], language: Language | None = None, role: Role = "supporter") -> QuestionStats:
    """Questions of `role` in one dialogue; ratio = counted turns with a genuine question / counted turns."""
    return count_questions((turn.content for turn in counted_turns(turns, role)), language)


def count_questions(texts: Iterable[str], language: Language | None = None) -> QuestionStats:
    """Questions in some turns, given as their texts."""
    types: Counter[QuestionType] = Counter()
    turns = asking = marked = 0
    for text in texts:
        found = questions(text, language)
        types.update(sentence.type for sentence in found)
        turns += 1
        asking += any(sentence.genuine for sentence in found)
        marked += not _MARKS.isdisjoint(text)
    return stats_of(turns, asking, marked, dict(types))


def pooled(parts: Iterable[QuestionStats]) -> QuestionStats:
    """Counts of several dialogues added up; every turn weighs the same, whichever dialogue it stands in."""
    types: Counter[QuestionType] = Counter()
    turns = asking = marked = 0
    for part in parts:
        types.update(part.types)
        turns += part.turns
        asking += part.asking_turns
        marked += part.marked_turns
    return stats_of(turns, asking, marked, dict(types))
