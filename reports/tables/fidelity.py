"""Report how the simulated users behaved, beside the scores that the supporters got from them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import TypeVar

from cocoon.core.records import Rating
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.fidelity.records import UserFacts, UserTurnFacts
from cocoon.evaluation.groups import Group, group_ratings
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.statistics.estimates import Estimate, draws_by_profile, mean_over_profiles, median_and_range
from cocoon.evaluation.success.rate import success_rate
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.reports.narrative.likeness import likeness_sentences
from cocoon.reports.reference import HeldAgainst, reference_facts, uncompared_warnings
from cocoon.reports.tables.dialogues import SUPPORTER_KEYS
from cocoon.reports.tables.ranking import Scores, ranking_rows
from cocoon.reports.tables.records import Cell, Report, Row, Table, table_of
from cocoon.reports.tables.scores import mean_of, rate_of
from cocoon.reports.tables.users.flags import NOTE as FLAGS_NOTE
from cocoon.reports.tables.users.flags import flags_table
from cocoon.reports.tables.users.likeness import NOTE, TITLE, likeness_table

NOTES = [
    "Counted, not judged: what a turn tells is found by shared words (Chinese: character pairs) with the profile. "
    "Paraphrases are missed, so disclosures and leaks are lower bounds. docs/guide/fidelity.md has figures on labelled "
    "transcripts.",
    "A user that tells more than its supporter touched makes every supporter look better, and a ranking that changes "
    "with the simulated user says as much of the simulator as of the supporters.",
]
Value = TypeVar("Value")
KEYS = ["Run", "Supporter", "Simulated user", "Language"]
_DISCLOSURE_NOTE = (
    "Answers that tell something new of the profile, and those that tell something which the supporter's turn "
    "before had not touched (shares of user turns). Need told: by the user's own words; leaked: in the first "
    "reply or while it was locked. Locked parts: told although the guarded user's prompt did not hold them."
)
_STYLE_NOTE = (
    "Openings: the first two words (Chinese: three characters) of a turn; the share of the most frequent one, "
    "and of different ones among all. Variation: standard deviation of the turns' lengths over their mean. "
    "Facts outside the profile: persons, names and numbers a turn that neither profile nor supporter had "
    "named; some of them are harmless colour."
)


@dataclass
class SimulatedRun:
    """One run as the report reads it: its name, the facts of users and dialogues, and the ratings.

    `against` holds its users beside people, None where no corpus was given.
    """

    name: str
    users: list[UserFacts]
    dialogues: dict[str, DialogueFacts]
    ratings: list[Rating]
    against: HeldAgainst | None = None

    def groups(self) -> list[Group]:
        """Return the ratings, grouped as in every report."""
        return group_ratings(self.ratings, self.dialogues)


def fidelity_report(runs: Sequence[SimulatedRun], warnings: Sequence[str] = ()) -> Report:
    """Return the tables of one run or several, and for several also how the order of the supporters changes."""
    tables = [disclosure(runs), style(runs), flags_by_run(runs), likeness_by_run(runs), scores(runs)]
    if len(runs) > 1:
        tables.append(_rankings(runs))
    return Report(
        title=f"Fidelity of the simulated users: {', '.join(run.name for run in runs)}",
        facts=list(dict.fromkeys(fact for run in runs if run.against for fact in reference_facts(run.against))),
        findings=_in_words(runs),
        warnings=[*warnings, *(line for run in runs if run.against for line in uncompared_warnings(run.against))],
        tables=[table for table in tables if table.rows],
        notes=NOTES,
    )


def _users_by_group(runs: Sequence[SimulatedRun]) -> dict[tuple[str, ...], list[UserFacts]]:
    groups: dict[tuple[str, ...], list[UserFacts]] = defaultdict(list)
    for run in runs:
        for user in run.users:
            user_label = " ".join(part for part in (user.user_kind, user.difficulty) if part) or "not told"
            groups[run.name, user.supporter, user_label, user.language].append(user)
    return dict(sorted(groups.items()))


def disclosure(runs: Sequence[SimulatedRun]) -> Table:
    """Return how readily the users told of themselves."""
    return _users_table(runs, "cooperation", "How readily the users disclosed", _disclosure_cells, _DISCLOSURE_NOTE)


def _users_table(
    runs: Sequence[SimulatedRun],
    name: str,
    title: str,
    cells: Callable[[Sequence[UserFacts]], Mapping[str, Cell]],
    note: str,
) -> Table:
    rows = ((key, cells(users)) for key, users in _users_by_group(runs).items())
    return table_of(name, title, KEYS, rows, note)


def _disclosure_cells(users: Sequence[UserFacts]) -> dict[str, Cell]:
    needy = [user for user in users if user.has_need]
    return {
        "dialogues": len(users),
        "answers that disclose": _share(users, lambda turn: bool(turn.disclosed)),
        "unasked": _share(users, lambda turn: bool(turn.untouched)),
        "locked parts told": sum(len(turn.locked) for user in users for turn in user.turns),
        "need told": success_rate(_by_profile((user, user.need_round is not None) for user in needy)),
        "rounds to the need": median_and_range(user.need_round for user in needy if user.need_round is not None),
        "need leaked": success_rate(_by_profile((user, bool(user.need_leaked)) for user in needy)),
    }


def _share(users: Sequence[UserFacts], counts: Callable[[UserTurnFacts], bool]) -> Estimate:
    return mean_over_profiles(
        _by_profile((user, fmean(map(counts, user.turns)) if user.turns else None) for user in users)
    )


def _by_profile(values: Iterable[tuple[UserFacts, Value]]) -> dict[str, list[Value]]:
    return draws_by_profile((user.profile, value) for user, value in values)


def style(runs: Sequence[SimulatedRun]) -> Table:
    """Return how similar the users' turns are, and what they made up."""
    title = "How uniform the users sounded, and what they made up"
    return _users_table(runs, "style", title, _style_cells, _STYLE_NOTE).model_copy(
        update={"digits": {"characters a turn": 0}}
    )


def _style_cells(users: Sequence[UserFacts]) -> dict[str, Cell]:
    openings = Counter(opening for user in users for opening in user.openings if opening)
    lengths = [length for user in users for length in user.lengths]
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
            _by_profile(
                (user, fmean(len(turn.foreign) for turn in user.turns) if user.turns else None) for user in users
            )
        ),
    }


def flags_by_run(runs: Sequence[SimulatedRun]) -> Table:
    """Return what goes wrong in the users' turns of each run."""
    tables = [(run, flags_table(run.dialogues.values())) for run in runs]
    rows = [([run.name, *row.labels], row.cells) for run, table in tables for row in table.rows]
    return table_of("flags", tables[0][1].title, ["Run", *SUPPORTER_KEYS], rows, FLAGS_NOTE)


def likeness_by_run(runs: Sequence[SimulatedRun]) -> Table:
    """Return how far the users of each run are from people, for the runs that a corpus was given for."""
    tables = [(run, likeness_table(run.against.likenesses, "en")) for run in runs if run.against]
    rows = (([run.name, *row.labels], row.cells) for run, table in tables for row in table.rows)
    return table_of("likeness", TITLE, ["Run", *SUPPORTER_KEYS, "How they talk"], rows, NOTE)


def _in_words(runs: Sequence[SimulatedRun]) -> list[str]:
    return [
        sentence if len(runs) == 1 else f"{run.name}: {sentence}"
        for run in runs
        if run.against
        for sentence in likeness_sentences(run.against.likenesses, run.against.reference.source, "en")
    ]


def scores(runs: Sequence[SimulatedRun]) -> Table:
    """Return the supporters' scores in the same order, to be read beside the tables above."""
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
        for index, (first, first_scores) in enumerate(scored)
        for second, second_scores in scored[index + 1 :]
        for measure, cells in ranking_rows(first_scores, second_scores)
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
    """Return values by measure, supporter and profile, over all judges and languages."""
    scores_by_measure: dict[str, Scores] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for rating in run.ratings:
        if rating.not_applicable:
            continue
        for label, value in _values(rating):
            scores_by_measure[label][rating.supporter][rating.profile].append(value)
    return scores_by_measure


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
