"""What stands beside the scores of each group: how the simulated users were that the scores were got from."""

from collections.abc import Mapping

from cocoon.evaluation.groups import GroupKey, Groups
from cocoon.reports.reference import HeldAgainst
from cocoon.reports.tables.likeness import UNLIKE, unlike_cells
from cocoon.reports.tables.records import Cell


def beside_scores(groups: Groups, against: HeldAgainst | None) -> Mapping[GroupKey, dict[str, Cell]]:
    """Return the cells beside the scores of each group."""
    unlike = unlike_cells(against.likenesses) if against else {}
    return {
        group.key: {UNLIKE: unlike[group.key.supporter, group.key.language]}
        for group in groups
        if (group.key.supporter, group.key.language) in unlike
    }
