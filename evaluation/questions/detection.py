"""Which sentences ask, and how: typed question detection by rule, with and without question marks.

Open, closed and tag questions are genuine: they ask the listener for an answer. A probe asks by an imperative or a wish
and has a ratio of its own. A rhetorical or a reported question asks nobody, and no ratio counts it. Definitions:
`docs/guide/questions.md`. Figures: `python -m cocoon.benchmarks.evaluation.questions`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from cocoon.core.records import Language, Role, Turn
from cocoon.core.text import language_by_script
from cocoon.evaluation.questions import chinese_functions, english_functions
from cocoon.evaluation.questions.chinese import classify_chinese
from cocoon.evaluation.questions.english import classify_english
from cocoon.evaluation.questions.records import GENUINE, QuestionStats, QuestionType, Sentence, stats_of
from cocoon.evaluation.questions.sentences import sentences

_MARKS = frozenset("?？")
_LONGEST_ANSWER = 40
"""Characters of an answer that a speaker gives to a rhetorical question."""
_UNANSWERED: Mapping[Language, re.Pattern[str]] = {
    "en": english_functions.UNANSWERED,
    "zh": chinese_functions.UNANSWERED,
}
_ADDRESSED: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(r"\byou", re.IGNORECASE),
    "zh": re.compile("[你您]"),
}


def classify(sentence: str, language: Language | None = None) -> QuestionType:
    """Return the type of one sentence. Without a `language` (None), the script decides."""
    language = language or language_by_script(sentence)
    return classify_chinese(sentence) if language == "zh" else classify_english(sentence)


def questions(text: str, language: Language | None = None) -> list[Sentence]:
    """Return all sentences of a text, each with its type.

    Without a `language` (None), the script of the whole text decides.
    """
    language = language or language_by_script(text)
    pieces = sentences(text, language)
    return [
        Sentence(text=sentence, type=_type_before(classify(sentence, language), sentence, after, language))
        for sentence, after in zip_longest(pieces, pieces[1:], fillvalue="")
    ]


def _type_before(kind: QuestionType, sentence: str, after: str, language: Language) -> QuestionType:
    """Return rhetorical for a question, not put to the listener, that the speaker answers in the next sentence."""
    if kind not in GENUINE or len(after) > _LONGEST_ANSWER or _ADDRESSED[language].search(sentence):
        return kind
    answered = _UNANSWERED[language].fullmatch(after.lower().rstrip(" 。.!！…~"))
    return "rhetorical" if answered else kind


def asks(text: str, language: Language | None = None) -> bool:
    """Return whether a turn has at least one genuine question."""
    return any(sentence.genuine for sentence in questions(text, language))


def counted_turns(turns: Sequence[Turn], role: Role = "supporter") -> list[Turn]:
    """Return the turns of `role` that count: all except a fixed opening.

    The opening is fixed when the dialogue begins with the supporter, that turn took no call, and others did. In a
    corpus from elsewhere no turn names calls, so all turns count.
    """
    fixed = bool(turns) and turns[0].role == "supporter" and not turns[0].calls and any(turn.calls for turn in turns)
    return [turn for turn in turns[1 if fixed else 0 :] if turn.role == role]


def question_ratio(turns: Sequence[Turn], language: Language | None = None, role: Role = "supporter") -> QuestionStats:
    """Return the questions of `role` in one dialogue.

    The ratio is counted turns with a genuine question / counted turns.
    """
    return count_questions((turn.content for turn in counted_turns(turns, role)), language)


def count_questions(texts: Iterable[str], language: Language | None = None) -> QuestionStats:
    """Return the questions in turns, given as their texts."""
    types: Counter[QuestionType] = Counter()
    turns = asking = probing = marked = 0
    for text in texts:
        turn_types: list[QuestionType] = [sentence.type for sentence in questions(text, language)]
        types.update(turn_types)
        turns += 1
        asking += not GENUINE.isdisjoint(turn_types)
        probing += "probe" in turn_types
        marked += not _MARKS.isdisjoint(text)
    return stats_of(turns, asking, probing, marked, types)


def pooled(parts: Iterable[QuestionStats]) -> QuestionStats:
    """Add up the counts of several dialogues. Every turn weighs the same, whichever dialogue it is in."""
    types: Counter[QuestionType] = Counter()
    turns = asking = probing = marked = 0
    for part in parts:
        types.update(part.types)
        turns += part.turns
        asking += part.asking_turns
        probing += part.probing_turns
        marked += part.marked_turns
    return stats_of(turns, asking, probing, marked, types)
