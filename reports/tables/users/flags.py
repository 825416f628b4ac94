"""The table of what goes wrong in the simulated users' turns, found by rule."""

from collections.abc import Iterable, Sequence

from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.fidelity.flags.records import USER_FLAGS, UserFlag
from cocoon.evaluation.statistics.estimates import Estimate, draws_by_profile, mean_over_profiles
from cocoon.reports.tables.dialogues import SUPPORTER_KEYS, rows_by_supporter
from cocoon.reports.tables.records import Cell, Table, table_of

FLAGGED = "Flagged"
"""The column beside the scores: the share of the user's turns that have any flag."""
FLAG_NAMES: dict[UserFlag, str] = {
    "role_inversion": "role inverted",
    "thought_leak": "thought leaked",
    "profile_recited": "profile recited",
    "outside_profile": "fact outside the profile",
    "empty_agreement": "empty agreement",
}
"""What the flags are called as columns."""
ANY_FLAG = "any of these"
NOTE = (
    "Shares of the user's turns, mean over profiles, found by rule. Role inverted: the user counsels the supporter. "
    "Thought leaked: words that are not said to anybody. Profile recited: in its own words. Fact outside the profile: "
    "a person, name, place or figure that neither profile nor talk had named, at times harmless colour. Empty "
    "agreement: agrees and adds nothing, as people do too. How well they are found: docs/guide/fidelity.md."
)


def flags_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Return the share of flagged turns by supporter and language. Without any flag there are no rows."""
    rows = rows_by_supporter(dialogues, _cells, lambda dialogue: dialogue.flagged)
    return table_of("flags", "What goes wrong in the users' turns", SUPPORTER_KEYS, rows, NOTE)


def _cells(dialogues: Sequence[DialogueFacts]) -> dict[str, Cell]:
    shares: dict[str, Cell] = {
        FLAG_NAMES[flag]: _share((dialogue, dialogue.flags.get(flag, 0)) for dialogue in dialogues)
        for flag in USER_FLAGS
    }
    return shares | {ANY_FLAG: flagged_share(dialogues)}


def flagged_share(dialogues: Iterable[DialogueFacts]) -> Estimate:
    """Return the share of the user's turns with any flag, mean over profiles."""
    return _share((dialogue, dialogue.flagged) for dialogue in dialogues)


def _share(counts: Iterable[tuple[DialogueFacts, int]]) -> Estimate:
    return mean_over_profiles(
        draws_by_profile(
            (dialogue.profile, count / dialogue.rounds if dialogue.rounds else None) for dialogue, count in counts
        )
    )
