"""Where simulated users are unlike people, in words."""

from collections.abc import Sequence

from cocoon.core.records import Language
from cocoon.evaluation.fidelity.likeness.distances import FEWEST_OURS, FEWEST_PEOPLE
from cocoon.evaluation.fidelity.likeness.measures import ANSWERED_MOVES, MEASURES_OF_TALK
from cocoon.evaluation.fidelity.likeness.records import Likeness, MeasureLikeness
from cocoon.reports.narrative.phrases import phrase
from cocoon.reports.narrative.translation import translated

_AFTER = "after_"
_MOST_CLAUSES = 4
_MOVES = {f"{_AFTER}{move}": "any other turn" if move == "other" else move.replace("_", " ") for move in ANSWERED_MOVES}
MEASURE_WORDS = {measure.id: measure.words for measure in MEASURES_OF_TALK} | {
    name: f"length after {words}" for name, words in _MOVES.items()
}
"""What each measure is called in tables."""
MEASURE_DIGITS = {measure.id: measure.digits for measure in MEASURES_OF_TALK}


def likeness_sentences(likenesses: Sequence[Likeness], people: str, language: Language) -> list[str]:
    """Return one sentence for each supporter's users, with the four measures in which they are farthest from people."""
    return [_sentence(likeness, people, language) for likeness in likenesses]


def _sentence(likeness: Likeness, people: str, language: Language) -> str:
    names = {"supporter": likeness.supporter, "spoken": likeness.language, "people": people}
    names["all"] = str(len(likeness.measures))
    if not likeness.measures:
        return phrase("like_too_few", language, **names, ours=FEWEST_OURS, theirs=FEWEST_PEOPLE)
    outside = likeness.outside
    if not outside:
        return phrase("like_none", language, **names)
    clauses = ("；" if language == "zh" else "; ").join(
        _with_figures(measure, language) for measure in outside[:_MOST_CLAUSES]
    )
    if len(outside) > _MOST_CLAUSES:
        clauses = phrase("like_more_clauses", language, clauses=clauses, n=len(outside) - _MOST_CLAUSES)
    return phrase("like_some", language, **names, count=len(outside), clauses=clauses)


def _with_figures(measure: MeasureLikeness, language: Language) -> str:
    clause, digits = in_words(measure, language), MEASURE_DIGITS.get(measure.measure, 2)
    ours, theirs = f"{measure.ours:z.{digits}f}", f"{measure.theirs:z.{digits}f}"
    return phrase("like_figures", language, clause=clause, ours=ours, theirs=theirs, ratio=f"{measure.ratio:.1f}")


def in_words(measure: MeasureLikeness, language: Language) -> str:
    """Return in which way users are unlike people in a measure that lies outside the yardstick."""
    name = measure.measure
    if measure.shifted is None:
        wider = measure.spread_ours > measure.spread_theirs
        words = translated(MEASURE_WORDS[name], language)
        return phrase("like_wider" if wider else "like_narrower", language, measure=words)
    direction = "more" if measure.shifted else "less"
    if name.startswith(_AFTER):
        return phrase(f"like_after_{direction}", language, move=translated(_MOVES[name], language))
    return phrase(f"like_{name}_{direction}", language)
