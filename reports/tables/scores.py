"""The scores of a run: the paper's Table 3, success in both modes, other scales, other keyings."""

from collections.abc import Callable, Mapping

from cocoon.core.records import Rating
from cocoon.evaluation.groups import KEY_COLUMNS, Group, GroupKey, Groups, majority, mean_of_votes
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.scales.scoring import Scale, score_variant
from cocoon.evaluation.statistics.estimates import Estimate, mean_over_profiles
from cocoon.evaluation.success.rate import sr_bounds, success_rate
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.reports.tables.records import Cell, Row, Table, table_of

_IN_MAIN = {(measure.scale, measure.dimension) for measure in MEASURES}


def main_table(groups: Groups, beside: Mapping[GroupKey, Mapping[str, Cell]] | None = None) -> Table:
    """Return the columns of the paper's Table 3, one row per group, and `beside` them what else is known of a group."""
    beside = beside or {}
    labels = ["SR", *(measure.label for measure in MEASURES)]
    more = dict.fromkeys(label for cells in beside.values() for label in cells)
    return Table(
        id="main",
        title="Scores",
        keys=KEY_COLUMNS,
        measures=[*labels, *more],
        digits={measure.label: measure.digits for measure in MEASURES},
        rows=[
            Row(labels=group.key.labels, cells=_main_cells(group) | dict(beside.get(group.key, {}))) for group in groups
        ],
        note=(
            "Value, 95% interval, n dialogues with a value, dialogues whose value is missing. SR is the "
            "paper's mode: the need was named by either of the two. Neg: lower is better; all others: "
            "higher is better. Flagged: turns of the simulated user with a flag; unlike: measures in which the users "
            "talk unlike people. Both are of the users, not of the supporter."
        ),
    )


def _main_cells(group: Group) -> dict[str, Cell]:
    cells: dict[str, Cell] = {"SR": rate_of(group, PAPER)}
    for measure in MEASURES:
        if measure.scale in group.ratings:
            cells[measure.label] = mean_of(group, measure.scale, measure.dimension)
    return cells


def mean_of(group: Group, scale: str, dimension: str) -> Estimate:
    """Return a dimension's mean over the group's profiles."""
    return mean_over_profiles(group.draws(scale, mean_of_votes(dimension)))


def rate_of(group: Group, mode: str) -> Cell:
    """Return the success rate of a mode.

    It is a remark where no profile has a need, and None where no judge rated it.
    """
    draws = group.draws(mode, majority)
    if draws:
        return success_rate(draws)
    return f"not applicable ({group.not_applicable(mode)})" if mode in group.ratings else None


def success_table(groups: Groups) -> Table:
    """Return the success rate in both modes with the bounds that missing verdicts leave."""
    return Table(
        id="success",
        title="Success rate in both modes",
        keys=KEY_COLUMNS,
        measures=["SR paper", "Bounds paper", "SR attributed", "Bounds attributed", "Not applicable"],
        rows=[
            Row(labels=group.key.labels, cells=_success_cells(group))
            for group in groups
            if PAPER in group.ratings or ATTRIBUTED in group.ratings
        ],
        note=(
            "Paper: the dialogue names the need, whoever does it. Attributed: the supporter named it, or "
            "the user did after a reflection or a question, shown by a verbatim quote. Bounds: every "
            "missing verdict as a failure, and as a success. Not applicable: dialogues of profiles without "
            "a need, outside every rate."
        ),
    )


def _success_cells(group: Group) -> dict[str, Cell]:
    return {
        "SR paper": rate_of(group, PAPER),
        "Bounds paper": sr_bounds(group.draws(PAPER, majority)),
        "SR attributed": rate_of(group, ATTRIBUTED),
        "Bounds attributed": sr_bounds(group.draws(ATTRIBUTED, majority)),
        "Not applicable": max(group.not_applicable(PAPER), group.not_applicable(ATTRIBUTED)),
    }


def other_scales_table(groups: Groups) -> Table:
    """Return dimensions that Table 3 lacks, such as those of the AELS or of a user's own scale."""
    rows = (
        ([*group.key.labels, scale, dimension], {"Mean": mean_of(group, scale, dimension)})
        for group in groups
        for scale in sorted(group.ratings)
        for dimension in _other_dimensions(group, scale)
    )
    return table_of("other_scales", "Other scales", [*KEY_COLUMNS, "Scale", "Dimension"], rows)


def _other_dimensions(group: Group, scale: str) -> list[str]:
    names = {name for rating in group.applicable(scale) for name in rating.dimensions}
    return sorted(name for name in names if (scale, name) not in _IN_MAIN)


def variants_table(groups: Groups, scales: Mapping[str, Scale]) -> Table:
    """Return the same answers scored by a scale's variants, to show whether the choice of keying matters."""
    rows = [
        Row(labels=[*group.key.labels, variant.id, dimension.label], cells={"Mean": mean_over_profiles(draws)})
        for group in groups
        for scale in scales.values()
        if scale.id in group.ratings
        for variant in scale.variants
        for dimension in variant.dimensions
        for draws in [group.draws(scale.id, _variant_value(scale, variant.id, dimension.id))]
    ]
    notes = [(variant.id, variant.note) for scale in scales.values() for variant in scale.variants if variant.note]
    return Table(
        id="variants",
        title="The same answers under other keyings",
        keys=[*KEY_COLUMNS, "Variant", "Dimension"],
        measures=["Mean"],
        rows=rows,
        note=" ".join(f"{name}: {note.rstrip('.')}." for name, note in notes),
    )


def _variant_value(scale: Scale, variant: str, dimension: str) -> Callable[[list[Rating]], float | None]:
    def value(votes: list[Rating]) -> float | None:
        scored = [score_variant(scale, variant, vote.items)[dimension] for vote in votes]
        known = [score for score in scored if score is not None]
        return sum(known) / len(known) if known else None

    return value
