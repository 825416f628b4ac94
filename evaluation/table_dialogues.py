"""What the dialogues look like before any judge: how many, how long, why they ended, what failed."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from cocoon.core.records import Failure
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.questions import pooled
from cocoon.evaluation.statistics import mean_over_profiles, spread
from cocoon.evaluation.tables import Cell, Row, Table


def by_supporter(dialogues: Iterable[DialogueFacts]) -> dict[tuple[str, str], list[DialogueFacts]]:
    """(supporter, language) -> its dialogues, in order."""
    groups: dict[tuple[str, str], list[DialogueFacts]] = defaultdict(list)
    for one in dialogues:
        groups[one.supporter, one.language].append(one)
    return dict(sorted(groups.items()))


def dialogues_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Counts and lengths per supporter and language."""
    rows = [
        Row(
            labels=list(key),
            cells={
                "dialogues": len(some),
                "profiles": len({one.profile for one in some}),
                "without need": sum(not one.has_need for one in some),
                "rounds": spread(one.rounds for one in some),
                "characters per user turn": _chars_per_turn(some, "u"),
                "characters per supporter turn": _chars_per_turn(some, "s"),
            },
        )
        for key, some in by_supporter(dialogues).items()
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
    some = list(dialogues)
    turns = sum(one.roles.count(role) for one in some)
    chars = sum(one.user_chars if role == "u" else one.supporter_chars for one in some)
    return chars / turns if turns else None


def questions_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """How much supporters ask: the question ratio, with the shares that others call by that name beside it."""
    rows = [Row(labels=list(key), cells=_question_cells(some)) for key, some in by_supporter(dialogues).items()]
    return Table(
        id="questions",
        title="Questions of the supporter",
        keys=["Supporter", "Language"],
        measures=list(rows[0].cells) if rows else [],
        rows=rows,
        note=(
            "Question ratio: turns with at least one genuine question (open, closed or tag) over generated turns, the "
            "fixed opening not counted; found by rule, see docs/questions.md. The types count sentences."
        ),
    )


def _question_cells(dialogues: Iterable[DialogueFacts]) -> dict[str, Cell]:
    by_profile: dict[str, list[float | None]] = defaultdict(list)
    found = [(one.profile, one.questions) for one in dialogues if one.questions is not None]
    for profile, stats in found:
        by_profile[profile].append(stats.ratio)
    whole = pooled(stats for _, stats in found)
    return {
        "question ratio": whole.ratio,
        "mean over profiles": mean_over_profiles(by_profile),
        "share of sentences": whole.sentence_share,
        "share of turns with ?": whole.mark_share,
        "turns": whole.turns,
        "open": whole.types["open"],
        "closed": whole.types["closed"],
        "tag": whole.types["tag"],
        "rhetorical": whole.types["rhetorical"],
    }


def stop_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Why dialogues ended."""
    groups = by_supporter(dialogues)
    reasons = sorted({one.stop_reason or "not told" for some in groups.values() for one in some})
    rows = []
    for key, some in groups.items():
        counts = Counter(one.stop_reason or "not told" for one in some)
        rows.append(Row(labels=list(key), cells={reason: counts[reason] for reason in reasons}))
    return Table(
        id="stop_reasons",
        title="Why dialogues ended",
        keys=["Supporter", "Language"],
        measures=reasons,
        rows=rows,
        note="rounds: the planned number was reached; user_left: the simulated user ended the talk.",
    )


def turns_table(dialogues: Iterable[DialogueFacts]) -> Table:
    """Distribution of the number of turns."""
    rows = [
        Row(labels=[*key, str(turns)], cells={"dialogues": count})
        for key, some in by_supporter(dialogues).items()
        for turns, count in sorted(Counter(len(one.roles) for one in some).items())
    ]
    return Table(
        id="turns",
        title="Distribution of turns",
        keys=["Supporter", "Language", "Turns"],
        measures=["dialogues"],
        rows=rows,
        note="Turns of both sides, the opening included.",
    )


def failures_table(failures: Iterable[Failure]) -> Table:
    """Dialogues and ratings that could not be made, by where and why."""
    counts = Counter((failure.stage, failure.node, failure.reason) for failure in failures)
    return Table(
        id="failures",
        title="What could not be made",
        keys=["Stage", "Node", "Reason"],
        measures=["count"],
        rows=[Row(labels=list(key), cells={"count": count}) for key, count in sorted(counts.items())],
        note=(
            "A dialogue that failed is in no rate above; a rating that failed counts as missing in its row. "
            "Each with its message in failures.jsonl."
        ),
    )
