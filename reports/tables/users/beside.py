"""What stands beside the scores of each group: how the simulated users were that the scores were got from."""

from collections.abc import Iterable, Mapping

from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.groups import GroupKey, Groups
from cocoon.reports.reference import HeldAgainst
from cocoon.reports.tables.dialogues import by_supporter
from cocoon.reports.tables.records import Cell
from cocoon.reports.tables.users.flags import FLAGGED, flagged_share
from cocoon.reports.tables.users.likeness import UNLIKE, unlike_cells


def beside_scores(
    groups: Groups, dialogues: Iterable[DialogueFacts], against: HeldAgainst | None = None
) -> Mapping[GroupKey, dict[str, Cell]]:
    """Return the cells beside the scores of each group: how many of the user's turns are flagged, how unlike people.

    The latter is there where the run is held against a corpus.
    """
    flagged = {key: flagged_share(own) for key, own in by_supporter(dialogues).items()}
    unlike = unlike_cells(against.likenesses) if against else {}
    columns: dict[str, Mapping[tuple[str, str], Cell]] = {FLAGGED: flagged, UNLIKE: unlike}
    keys = {group.key: (group.key.supporter, group.key.language) for group in groups}
    return {key: {name: cells[own] for name, cells in columns.items() if own in cells} for key, own in keys.items()}
