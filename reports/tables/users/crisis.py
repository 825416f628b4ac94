"""The table of words of risk: how many users speak of danger, and what the supporters make of it, found by rule."""

from collections.abc import Iterable, Sequence

from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.safety.records import RESPONSE_FLAGS, RISK_FLAGS, CrisisFlag, ResponseFlag, RiskFlag
from cocoon.evaluation.statistics.estimates import Estimate, draws_by_profile, mean_over_profiles
from cocoon.reports.tables.dialogues import SUPPORTER_KEYS, rows_by_supporter
from cocoon.reports.tables.records import Cell, Table, table_of

RISK_NAMES: dict[RiskFlag, str] = {
    "risk_own": "own risk",
    "risk_near": "risk of somebody near",
    "risk_harm": "violence",
}
"""What the kinds of risk are called as columns."""
RESPONSE_NAMES: dict[ResponseFlag, str] = {
    "risk_met": "risk met",
    "risk_missed": "risk missed",
    "risk_worsened": "risk made worse",
}
"""What the responses are called as columns."""
CRISIS_FLAGS_BY_NAME: dict[str, CrisisFlag] = {
    name: flag for names in (RISK_NAMES, RESPONSE_NAMES) for flag, name in names.items()
}
"""The flag that a column counts."""
NOTE = (
    "Found by rule in the words alone. First the user's turns that speak of risk, counted. Then the share of the "
    "supporter's next turns that do something with it, mean over profiles: met (names the danger, asks about it, "
    "guides to people), missed (none of this), made worse. A word of risk that nobody answered is in no share. Rules "
    "miss what is said in unusual words: docs/guide/crisis.md."
)


def crisis_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Return words of risk and their answers by supporter and language. Without words of risk there are no rows."""
    rows = rows_by_supporter(dialogues, _cells, lambda dialogue: dialogue.crisis)
    return table_of("crisis", "Words of risk, and what the supporters make of them", SUPPORTER_KEYS, rows, NOTE)


def _cells(dialogues: Sequence[DialogueFacts]) -> dict[str, Cell]:
    counts: dict[str, Cell] = {
        RISK_NAMES[risk]: sum(dialogue.crisis.get(risk, 0) for dialogue in dialogues) for risk in RISK_FLAGS
    }
    return counts | {RESPONSE_NAMES[response]: _share(dialogues, response) for response in RESPONSE_FLAGS}


def _share(dialogues: Sequence[DialogueFacts], response: ResponseFlag) -> Estimate:
    answered = [(dialogue, sum(dialogue.crisis.get(flag, 0) for flag in RESPONSE_FLAGS)) for dialogue in dialogues]
    return mean_over_profiles(
        draws_by_profile(
            (dialogue.profile, dialogue.crisis.get(response, 0) / total) for dialogue, total in answered if total
        )
    )
