"""The table of how far the simulated users of each supporter are from people, measure by measure."""

from collections.abc import Iterable

from cocoon.core.records import Language
from cocoon.evaluation.fidelity.likeness.records import Likeness, MeasureLikeness
from cocoon.reports.narrative.likeness import MEASURE_DIGITS, MEASURE_WORDS, in_words
from cocoon.reports.tables.dialogues import SUPPORTER_KEYS
from cocoon.reports.tables.records import Cell, Table, table_of

UNLIKE = "Unlike"
"""The column beside the scores: in how many measures the users behind them are unlike people."""
TITLE = "How like people the simulated users talk"
IN_WORDS, TOO_FEW = "in words", "too few talks"
COLUMNS = ("users", "people", "distance", "yardstick", IN_WORDS, "profiles", "talks of people")
NOTE = (
    "Means over talks. Distance: how far apart the two distributions are, as a share of the people (0.2: on average a "
    "fifth of them lies between). Yardstick: the distance that sets of people of these sizes exceed among themselves, "
    "in this or any other measure, in 1 of 40 splits. A measure that lies outside is told in words. Talks of one "
    "profile count as one. Figures: docs/guide/likeness.md."
)


def likeness_table(likenesses: Iterable[Likeness], language: Language) -> Table:
    """Return a row for each supporter, language and measure, nothing where no measure could be compared.

    `language` is that of the words.
    """
    rows = [
        ([likeness.supporter, likeness.language, MEASURE_WORDS[name]], cells)
        for likeness in likenesses
        if likeness.measures
        for name, cells in _cells_by_measure(likeness, language).items()
    ]
    return table_of("likeness", TITLE, [*SUPPORTER_KEYS, "How they talk"], rows, NOTE)


def _cells_by_measure(likeness: Likeness, language: Language) -> dict[str, dict[str, Cell]]:
    compared = {measure.measure: _cells(measure, language) for measure in likeness.measures}
    lacking: dict[str, dict[str, Cell]] = {
        name: {**dict.fromkeys(COLUMNS), IN_WORDS: TOO_FEW} for name in likeness.too_few
    }
    return {name: cells for name, cells in (compared | lacking).items() if name in MEASURE_WORDS}


def _cells(measure: MeasureLikeness, language: Language) -> dict[str, Cell]:
    digits = MEASURE_DIGITS.get(measure.measure, 2)
    means = (round(measure.ours, digits), round(measure.theirs, digits))
    words = in_words(measure, language) if measure.outside else "inside"
    cells = (*means, measure.distance, measure.yardstick, words, measure.n, measure.people)
    return dict(zip(COLUMNS, cells, strict=True))


def unlike_cells(likenesses: Iterable[Likeness]) -> dict[tuple[str, str], Cell]:
    """Return `3 of 19` by supporter and language: in how many measures the users are unlike people."""
    return {
        (likeness.supporter, likeness.language): f"{len(likeness.outside)} of {len(likeness.measures)}"
        for likeness in likenesses
        if likeness.measures
    }
