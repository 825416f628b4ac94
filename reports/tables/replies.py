"""The table on replies: how many were cut, had foreign text, or came with a thought."""

from collections.abc import Iterable, Iterator
from typing import get_args

from cocoon.core.records import Role
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.replies import CallCounts, ReplyCounts, pooled_counts
from cocoon.reports.tables.dialogues import SUPPORTER_KEYS, by_supporter
from cocoon.reports.tables.records import Cell, Table, table_of

_MEASURES: tuple[str, ...] = ("turns", "cut", "with foreign text", "with a thought")
_NOTE = (
    "Turns, the fixed opening not counted. Cut: the server ended the reply early, mostly at its token limit. Foreign "
    "text: role labels, lines of the other side or template tokens, which were cut off. A thought is kept apart and is "
    "in no figure."
)
_CALL_MEASURES = {
    "calls": "calls",
    "cut": "cut",
    "refused": "refused",
    "thoughts": "with a thought",
    "short_prompts": "prompt perhaps cut",
    "tokens_reasoning": "reasoning tokens",
    "tokens_cached": "cached tokens",
}
_CALL_NOTE = (
    "All calls, those that were asked again too. A prompt was perhaps cut where the server counted far fewer "
    "tokens than it was sent. Reasoning and cached tokens are as far as the server tells them."
)
WARNED_FROM = 0.1
"""Share of a role's turns above which the report warns."""


def replies_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Return counts per supporter, language and role. Roles with nothing to report have no row."""
    rows: list[tuple[list[str], dict[str, Cell]]] = [
        ([*key, role], dict(zip(_MEASURES, (counts.turns, counts.cut, counts.foreign, counts.thoughts), strict=True)))
        for key, role, counts in _counts(dialogues)
        if counts.cut or counts.foreign or counts.thoughts
    ]
    return table_of("replies", "Replies", [*SUPPORTER_KEYS, "Role"], rows, _NOTE)


def reply_warnings(dialogues: Iterable[DialogueFacts]) -> list[str]:
    """Return one warning for each role of which many replies were cut or had foreign text."""
    warnings = []
    for (supporter, language), role, counts in _counts(dialogues):
        whose = f"{supporter} ({language}), turns of the {role}"
        if counts.cut > WARNED_FROM * counts.turns:
            warnings.append(
                f"{whose}: {counts.cut} of {counts.turns} were cut by the server; give a larger max_tokens."
            )
        if counts.foreign > WARNED_FROM * counts.turns:
            warnings.append(
                f"{whose}: {counts.foreign} of {counts.turns} had text that is not the role's own (cut off); check the "
                "model's chat template."
            )
    return warnings


def calls_table(counts: Iterable[CallCounts]) -> Table:
    """Return what was odd about the replies of each role's model. Models with nothing to report have no row."""
    rows: list[tuple[list[str], dict[str, Cell]]] = [
        ([count.role, count.model], {title: getattr(count, name) for name, title in _CALL_MEASURES.items()})
        for count in counts
        if any(getattr(count, name) for name in _CALL_MEASURES if name != "calls")
    ]
    return table_of("calls", "Calls", ["Role", "Model"], rows, _CALL_NOTE)


def call_warnings(counts: Iterable[CallCounts]) -> list[str]:
    """Return one warning for each role of which many prompts were perhaps cut, or many replies cut or refused.

    Cut replies of the two speakers are warned of by their turns.
    """
    warnings = []
    for count in counts:
        whose, most = f"Calls of the {count.role} ({count.model})", WARNED_FROM * count.calls
        if count.short_prompts > most:
            warnings.append(
                f"{whose}: the server counted far fewer tokens than were sent in {count.short_prompts} of "
                f"{count.calls}. It may be cutting prompts: give it a longer context."
            )
        if count.refused > most:
            warnings.append(f"{whose}: {count.refused} of {count.calls} were refused.")
        if count.cut > most and count.role not in get_args(Role):
            warnings.append(f"{whose}: {count.cut} of {count.calls} were cut; give a larger max_tokens.")
    return warnings


def _counts(dialogues: Iterable[DialogueFacts]) -> Iterator[tuple[tuple[str, str], Role, ReplyCounts]]:
    for key, group in by_supporter(dialogues).items():
        for role in get_args(Role):
            yield key, role, pooled_counts(dialogue.replies[role] for dialogue in group if role in dialogue.replies)
