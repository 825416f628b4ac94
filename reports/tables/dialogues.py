"""Tables on the dialogues before any judge: how many, how long, why they ended, what failed."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from cocoon.core.records import Failure
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.questions.detection import pooled
from cocoon.evaluation.statistics.estimates import draws_by_profile, mean_over_profiles, median_and_range
from cocoon.reports.tables.records import Cell, Row, Table, table_of

SUPPORTER_KEYS = ["Supporter", "Language"]
_QUESTIONS_NOTE = (
    "Question ratio: turns with at least one genuine question (open, closed or tag) over generated turns, the fixed "
    "opening not counted. Probing ratio: turns with a request to tell that is no question by form (an imperative, a "
    "wish to hear). Found by rule, see docs/guide/questions.md. The types count sentences."
)
_STOP_NOTE = "rounds: the planned number was reached; user_left: the simulated user ended the talk."
_FAILURES_NOTE = (
    "A dialogue that failed is in no rate above; a rating that failed counts as missing in its row. Each with its "
    "message in failures.jsonl."
)


def by_supporter(dialogues: Iterable[DialogueFacts]) -> dict[tuple[str, str], list[DialogueFacts]]:
    """Return the dialogues by (supporter, language), in the order of these keys."""
    groups: dict[tuple[str, str], list[DialogueFacts]] = defaultdict(list)
    for dialogue in dialogues:
        groups[dialogue.supporter, dialogue.language].append(dialogue)
    return dict(sorted(groups.items()))


def rows_by_supporter(
    dialogues: Iterable[DialogueFacts],
    cells_of: Callable[[Sequence[DialogueFacts]], dict[str, Cell]],
    counts: Callable[[DialogueFacts], object],
) -> list[tuple[tuple[str, str], dict[str, Cell]]]:
    """Return (labels, cells) of the supporters and languages that have any dialogue which counts."""
    return [(key, cells_of(group)) for key, group in by_supporter(dialogues).items() if any(map(counts, group))]


def dialogues_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Return counts and lengths per supporter and language."""
    rows = [
        Row(
            labels=list(key),
            cells={
                "dialogues": len(group),
                "profiles": len({dialogue.profile for dialogue in group}),
                "without need": sum(not dialogue.has_need for dialogue in group),
                "rounds": median_and_range(dialogue.rounds for dialogue in group),
                "characters per user turn": _chars_per_turn(group, "u"),
                "characters per supporter turn": _chars_per_turn(group, "s"),
            },
        )
        for key, group in by_supporter(dialogues).items()
    ]
    return Table(
        id="dialogues",
        title="Dialogues",
        keys=["Supporter", "Language"],
        measures=list(rows[0].cells) if rows else [],
        digits={"characters per user turn": 0, "characters per supporter turn": 0},
        rows=rows,
        note="Rounds: median and range; a round is a user turn and the reply to it.",
    )


def _chars_per_turn(dialogues: Iterable[DialogueFacts], role: str) -> float | None:
    group = list(dialogues)
    turns = sum(dialogue.roles.count(role) for dialogue in group)
    chars = sum(dialogue.user_chars if role == "u" else dialogue.supporter_chars for dialogue in group)
    return chars / turns if turns else None


def questions_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Return how much supporters ask.

    The question ratio has beside it the shares that others call by the same name.
    """
    rows = ((key, _question_cells(group)) for key, group in by_supporter(dialogues).items())
    return table_of("questions", "Questions of the supporter", SUPPORTER_KEYS, rows, _QUESTIONS_NOTE)


def _question_cells(dialogues: Iterable[DialogueFacts]) -> dict[str, Cell]:
    stats_by_profile = [
        (dialogue.profile, dialogue.questions) for dialogue in dialogues if dialogue.questions is not None
    ]
    asking = draws_by_profile((profile, stats.ratio) for profile, stats in stats_by_profile)
    probing = draws_by_profile((profile, stats.probing_ratio) for profile, stats in stats_by_profile)
    total = pooled(stats for _, stats in stats_by_profile)
    return {
        "question ratio": total.ratio,
        "mean over profiles": mean_over_profiles(asking),
        "probing ratio": total.probing_ratio,
        "probing, mean over profiles": mean_over_profiles(probing),
        "share of sentences": total.sentence_share,
        "share of turns with ?": total.mark_share,
        "turns": total.turns,
        "open": total.types["open"],
        "closed": total.types["closed"],
        "tag": total.types["tag"],
        "probe": total.types["probe"],
        "rhetorical": total.types["rhetorical"],
        "reported": total.types["reported"],
    }


def stop_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Return why dialogues ended."""
    groups = by_supporter(dialogues)
    reasons = sorted({dialogue.stop_reason or "not told" for group in groups.values() for dialogue in group})
    rows = []
    for key, group in groups.items():
        counts = Counter(dialogue.stop_reason or "not told" for dialogue in group)
        rows.append((key, {reason: counts[reason] for reason in reasons}))
    return table_of("stop_reasons", "Why dialogues ended", SUPPORTER_KEYS, rows, _STOP_NOTE)


def turns_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Return the distribution of the number of turns."""
    rows: list[tuple[list[str], dict[str, Cell]]] = [
        ([*key, str(turns)], {"dialogues": count})
        for key, group in by_supporter(dialogues).items()
        for turns, count in sorted(Counter(len(dialogue.roles) for dialogue in group).items())
    ]
    keys, note = [*SUPPORTER_KEYS, "Turns"], "Turns of both sides, the opening included."
    return table_of("turns", "Distribution of turns", keys, rows, note)


def failures_table(failures: Iterable[Failure]) -> Table:
    """Return the dialogues and ratings that failed, by where and why."""
    counts = Counter((failure.stage, failure.node, failure.reason) for failure in failures)
    rows: list[tuple[tuple[str, str, str], dict[str, Cell]]] = [
        (key, {"count": count}) for key, count in sorted(counts.items())
    ]
    return table_of("failures", "What could not be made", ["Stage", "Node", "Reason"], rows, _FAILURES_NOTE)
