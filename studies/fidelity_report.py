"""How the simulated users did, beside the scores that the supporters got from them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import TypeVar

from cocoon.core.records import Rating
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.groups import Group, group_ratings
from cocoon.evaluation.statistics import Estimate, mean_over_profiles, spread, success_rate
from cocoon.evaluation.success import ATTRIBUTED, PAPER
from cocoon.evaluation.table_scores import MEASURES, mean_of, rate_of
from cocoon.evaluation.tables import Cell, Report, Row, Table
from cocoon.studies.fidelity_records import UserFacts, UserTurnFacts
from cocoon.studies.ranking import Scores, ranking_rows

NOTES = [
    "Counted, not judged: what a turn tells is found by shared words (Chinese: character pairs) with the profile. "
    "Paraphrases are missed, so disclosures and leaks are lower bounds. docs/fidelity.md has figures on labelled "
    "transcripts.",
    "A user that tells more than its supporter touched makes every supporter look better, and a ranking that changes "
    "with the simulated user says as much of the simulator as of the supporters.",
]
Value = TypeVar("Value")
KEYS = ["Run", "Supporter", "Simulated user", "Language"]


@dataclass
class SimulatedRun:
    """One run as the report reads it: its name, the users' facts, the dialogues' facts and the ratings."""

    name: str
    users: list[UserFacts]
    dialogues: dict[str, DialogueFacts]
    ratings: list[Rating]

    def groups(self) -> list[Group]:
        """The ratings as every report groups them."""
        return group_ratings(self.ratings, self.dialogues)


def fidelity_report(runs: Sequence[SimulatedRun], warnings: Sequence[str] = ()) -> Report:
    """Tables of one run or several; with several, how the supporters' order changes from one user to the other."""
    tables = [disclosure(runs), style(runs), scores(runs)]
    if len(runs) > 1:
        tables.append(_rankings(runs))
    return Report(
        title=f"Fidelity of the simulated users: {', '.join(run.name for run in runs)}",
        warnings=list(warnings),
        tables=[table for table in tables if table.rows],
        notes=NOTES,
    )


def _sorted(runs: Sequence[SimulatedRun]) -> dict[tuple[str, ...], list[UserFacts]]:
    found: dict[tuple[str, ...], list[UserFacts]] = defaultdict(list)
    for run in runs:
        for one in run.users:
            kind = " ".join(part for part in (one.user_kind, one.difficulty) if part) or "not told"
            found[run.name, one.supporter, kind, one.language].append(one)
    return dict(sorted(found.items()))


def disclosure(runs: Sequence[SimulatedRun]) -> Table:
    """How readily the users told of themselves."""
    rows = [Row(labels=list(key), cells=_disclosure_cells(some)) for key, some in _sorted(runs).items()]
    return Table(
        id="cooperation",
        title="How readily the users disclosed",
        keys=KEYS,
        measures=list(_disclosure_cells([])),
        rows=rows,
        note=(
            "Answers that tell something new of the profile, and those that tell something which the supporter's turn "
            "before had not touched (shares of user turns). Need told: by the user's own words; leaked: in the first "
            "reply or while it was locked. Locked parts: told although the guarded user's prompt did not hold them."
        ),
    )


def _disclosure_cells(users: Sequence[UserFacts]) -> dict[str, Cell]:
    needy = [one for one in users if one.has_need]
    return {
        "dialogues": len(users),
        "answers that disclose": _share(users, lambda turn: bool(turn.disclosed)),
        "unasked": _share(users, lambda turn: bool(turn.untouched)),
        "locked parts told": sum(len(turn.locked) for one in users for turn in one.turns),
        "need told": success_rate(_by_profile((one, one.need_round is not None) for one in needy)),
        "rounds to the need": spread(one.need_round for one in needy if one.need_round is not None),
        "need leaked": success_rate(_by_profile((one, bool(one.need_leaked)) for one in needy)),
    }


def _share(users: Sequence[UserFacts], counts: Callable[[UserTurnFacts], bool]) -> Estimate:
    return mean_over_profiles(_by_profile((one, fmean(map(counts, one.turns)) if one.turns else None) for one in users))


def _by_profile(values: Iterable[tuple[UserFacts, Value]]) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = defaultdict(list)
    for one, value in values:
        found[one.profile].append(value)
    return found


def style(runs: Sequence[SimulatedRun]) -> Table:
    """How alike the users' turns are, and what they made up."""
    rows = [Row(labels=list(key), cells=_style_cells(some)) for key, some in _sorted(runs).items()]
    return Table(
        id="style",
        title="How uniform the users sounded, and what they made up",
        keys=KEYS,
        measures=list(_style_cells([])),
        digits={"characters a turn": 0},
        rows=rows,
        note=(
            "Openings: the first two words (Chinese: three characters) of a turn; the share of the most frequent one, "
            "and of different ones among all. Variation: standard deviation of the turns' lengths over their mean. "
            "Facts outside the profile: persons, names and numbers a turn that neither profile nor supporter had "
            "named; some of them are harmless colour."
        ),
    )


def _style_cells(users: Sequence[UserFacts]) -> dict[str, Cell]:
    openings = Counter(opening for one in users for opening in one.openings if opening)
    lengths = [length for one in users for length in one.lengths]
    most = openings.most_common(1)
    total = openings.total()
    return {
        "turns": len(lengths),
        "most frequent opening": f"{most[0][0]!r}" if most else None,
        "its share": most[0][1] / total if most else None,
        "different openings": len(openings) / total if total else None,
        "characters a turn": fmean(lengths) if lengths else None,
        "variation": pstdev(lengths) / fmean(lengths) if lengths and any(lengths) else None,
        "facts outside the profile": mean_over_profiles(
            _by_profile((one, fmean(len(turn.foreign) for turn in one.turns) if one.turns else None) for one in users)
        ),
    }


def scores(runs: Sequence[SimulatedRun]) -> Table:
    """The supporters' scores in the same order, to be read beside the tables above."""
    rows = []
    for run in runs:
        for group in run.groups():
            cells: dict[str, Cell] = {"SR paper": rate_of(group, PAPER), "SR attributed": rate_of(group, ATTRIBUTED)}
            for measure in MEASURES:
                if measure.scale in group.ratings:
                    cells[measure.label] = mean_of(group, measure.scale, measure.dimension)
            rows.append(Row(labels=[run.name, *group.key.labels], cells=cells))
    return Table(
        id="scores_beside",
        title="What the supporters got from these users",
        keys=["Run", "Supporter", "Judge", "Language", "Prompts"],
        measures=["SR paper", "SR attributed", *(measure.label for measure in MEASURES)],
        digits={measure.label: measure.digits for measure in MEASURES},
        rows=rows,
    )


def _rankings(runs: Sequence[SimulatedRun]) -> Table:
    scored = [(run.name, _profile_scores(run)) for run in runs]
    rows = [
        Row(labels=[first, second, measure], cells=cells)
        for place, (first, one) in enumerate(scored)
        for second, other in scored[place + 1 :]
        for measure, cells in ranking_rows(one, other)
    ]
    return Table(
        id="ranking",
        title="Does the order of the supporters survive another user",
        keys=["Run", "Other run", "Measure"],
        measures=["order", "order in the other", "Kendall's tau", "same order", "profiles"],
        rows=rows,
        note=(
            "Supporters of both runs, best first, over the profiles that all of them met in both. Same order: share of "
            "bootstrap samples of the profiles in which both runs order the supporters alike."
        ),
    )


def _profile_scores(run: SimulatedRun) -> Mapping[str, Scores]:
    """Measure -> supporter -> profile -> mean, over judges and languages."""
    found: dict[str, Scores] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for rating in run.ratings:
        if rating.not_applicable:
            continue
        for label, value in _values(rating):
            found[label][rating.supporter][rating.profile].append(value)
    return found


def _values(rating: Rating) -> list[tuple[str, float]]:
    if rating.scale in (PAPER, ATTRIBUTED):
        success = rating.verdict.success if rating.verdict else None
        label = "SR paper" if rating.scale == PAPER else "SR attributed"
        return [] if success is None else [(label, float(success))]
    return [
        (measure.label, value)
        for measure in MEASURES
        if measure.scale == rating.scale and (value := rating.dimensions.get(measure.dimension)) is not None
    ]
