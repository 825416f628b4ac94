"""Records of a comparison with people: the figures of the people's talks, and how far a run's users are from them."""

from pydantic import ConfigDict, Field

from cocoon.core.records import Language, Record


class PeopleFigures(Record):
    """What was measured of the talks of a corpus in one language. It holds figures and no words.

    `values` maps a measure to its value in every talk, None where the talk is too short for it. `talks` counts all
    talks that were read, of which at most `MOST_TALKS` were drawn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    talks: int = Field(ge=0)
    values: dict[str, list[float | None]]


class Reference(Record):
    """A corpus that simulated users are held against: its name and source, its file's name, figures by language.

    `reading` says in one line how many records were read, and what was done to them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: str
    source: str
    file: str
    reading: str
    figures: dict[Language, PeopleFigures]

    def one_line(self) -> str:
        """Return what the people are, as a report prints it."""
        talks = ", ".join(f"{figures.talks} talks in {language}" for language, figures in self.figures.items())
        return f"{self.source} ({self.file}): {talks}. {self.reading}"


class MeasureLikeness(Record):
    """One measure of the users of a run, held against people.

    `ours` and `theirs` are means, `spread_ours` and `spread_theirs` standard deviations, in the measure's own unit.
    `distance` is that of the two distributions over talks, as a share of the people (0 to 1). `yardstick` is the
    distance that two sets of people of these sizes exceed, in this or in any other measure, in 1 of 40 splits,
    and at least 0.05. `outside`: the distance is larger. `rank` is the mean position
    of our talks among the people's, 0 to 1. `n` counts the profiles with a value, and `people` the talks of people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    measure: str
    ours: float
    theirs: float
    spread_ours: float
    spread_theirs: float
    rank: float
    distance: float
    yardstick: float = Field(gt=0)
    outside: bool
    n: int
    people: int

    @property
    def ratio(self) -> float:
        """Return the distance in yardsticks."""
        return self.distance / self.yardstick

    @property
    def shifted(self) -> bool | None:
        """Return True for users with more of it, False for less, and None where it is the spread that differs."""
        if abs(self.rank - 0.5) < self.distance / 2:
            return None
        return self.rank > 0.5


class Likeness(Record):
    """How far the users that one supporter met are from people. `too_few` names the measures that were not compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    supporter: str
    language: Language
    measures: list[MeasureLikeness]
    too_few: list[str]

    @property
    def outside(self) -> list[MeasureLikeness]:
        """Return the measures in which the users are unlike people, the farthest first."""
        unlike = [measure for measure in self.measures if measure.outside]
        return sorted(unlike, key=lambda measure: -measure.ratio)
