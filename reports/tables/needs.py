"""Tables of how and when the need was named and on what evidence, of missing verdicts, and of what a user opened."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import get_args

from cocoon.core.records import MOST_GUESSES, Move, Rating, Verdict
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.groups import KEY_COLUMNS, Group, Groups, majority, majority_taken_up
from cocoon.evaluation.missing import missing_reasons
from cocoon.evaluation.statistics.estimates import median_and_range
from cocoon.evaluation.success.outcomes import MISSING, NOBODY, OUTCOMES, need_outcome, outcome_of
from cocoon.evaluation.success.rate import success_rate
from cocoon.evaluation.success.verdicts import ATTRIBUTED
from cocoon.reports.tables.records import Cell, Row, Table

TIED = "votes tie"
NOT_RATED = "the rating could not be made"
MOVE_NAMES = {move: move.replace("_", " ") for move in get_args(Move)}
RUPTURE_MEASURES = ("ruptured", "not repaired", "dialogues")
EVIDENCE = ("SR taken up", "Taken up", "Denied", "Ignored", "Guesses", "Other mention", "Other form", "Lag", "Empty")


def outcomes_table(groups: Groups) -> Table:
    """Return the dialogues by who named the need and what drew it out."""
    return Table(
        id="outcomes",
        title="How the need came to be named (attributed mode)",
        keys=KEY_COLUMNS,
        measures=[*OUTCOMES, "not applicable"],
        rows=[
            Row(labels=group.key.labels, cells=_outcome_cells(group)) for group in groups if ATTRIBUTED in group.ratings
        ],
        note=(
            "Dialogues. The first four are successes. Volunteered and leaked name the need without the "
            "supporter's doing; a guarded user who says what was still locked, and any user who says it in "
            "the first reply, leaked."
        ),
    )


def _outcome_cells(group: Group) -> dict[str, Cell]:
    counts = Counter(outcome_of(votes) for votes in group.by_dialogue(ATTRIBUTED))
    counts[MISSING] += len(group.lost.get(ATTRIBUTED, []))
    return {**{name: counts[name] for name in OUTCOMES}, "not applicable": group.not_applicable(ATTRIBUTED)}


def missing_reasons_table(groups: Groups) -> Table:
    """Return why verdicts and whole ratings are missing, per scale."""
    counts: Counter[tuple[str, ...]] = Counter()
    for group in groups:
        for scale in group.ratings:
            for rating in group.applicable(scale):
                for reason in missing_reasons(rating):
                    counts[(*group.key.labels, scale, reason)] += 1
            ties = _ties(group, scale)
            if ties:
                counts[(*group.key.labels, scale, TIED)] += ties
            if group.lost.get(scale):
                counts[(*group.key.labels, scale, NOT_RATED)] += len(group.lost[scale])
    return Table(
        id="missing_reasons",
        title="Why values are missing",
        keys=[*KEY_COLUMNS, "Scale", "Reason"],
        measures=["count"],
        rows=[Row(labels=list(labels), cells={"count": count}) for labels, count in sorted(counts.items())],
        note="Per item of a scale, or once for a verdict or a whole reply.",
    )


def _ties(group: Group, scale: str) -> int:
    return sum(
        majority(votes) is None and any(vote.verdict and vote.verdict.success is not None for vote in votes)
        for votes in group.by_dialogue(scale)
    )


def evidence_table(groups: Groups) -> Table:
    """Return uptake, guesses and overruled claims per group, of the verdicts of the attributed mode that were read."""
    return Table(
        id="evidence",
        title="Evidence behind the verdicts (attributed mode)",
        keys=KEY_COLUMNS,
        measures=list(EVIDENCE),
        digits={"Guesses": 1},
        rows=[Row(labels=group.key.labels, cells=_evidence_cells(group)) for group in groups if _verdicts(group)],
        note=(
            "SR taken up: successes that the user said, or stood by when the supporter guessed (a turn with more than "
            f"{MOST_GUESSES} guesses is a list and does not count). Taken up, denied, ignored: how the user answered "
            "the supporter's guess, in verdicts. Guesses: mean number of wishes that such a turn ascribes to the user. "
            "Other mention, other form: verdicts in which the transcript shows an earlier mention, or another form of "
            "the words that led there, than the judge said. Lag: median turns from the supporter's turn that earned a "
            "guarded user's need to the turn that says it. Empty: failures whose quote has nothing of the need."
        ),
    )


def _verdicts(group: Group) -> list[Verdict]:
    votes = group.applicable(ATTRIBUTED)
    return [vote.verdict for vote in votes if vote.verdict is not None and vote.verdict.success is not None]


def _evidence_cells(group: Group) -> dict[str, Cell]:
    verdicts = _verdicts(group)
    uptakes = Counter(verdict.uptake for verdict in verdicts)
    guesses = [verdict.guesses for verdict in verdicts if verdict.guesses is not None]
    return {
        "SR taken up": success_rate(group.draws(ATTRIBUTED, majority_taken_up)),
        "Taken up": uptakes["taken_up"],
        "Denied": uptakes["denied"],
        "Ignored": uptakes["ignored"],
        "Guesses": fmean(guesses) if guesses else None,
        "Other mention": sum(_other_mention(verdict) for verdict in verdicts),
        "Other form": sum(_other_form(verdict) for verdict in verdicts),
        "Lag": median_and_range(_lags(verdicts)),
        "Empty": sum(verdict.empty_evidence for verdict in verdicts),
    }


def _other_mention(verdict: Verdict) -> bool:
    return verdict.claim is not None and verdict.claim.turn != verdict.turn


def _other_form(verdict: Verdict) -> bool:
    same_turn = verdict.claim is not None and verdict.claim.turn == verdict.turn
    return same_turn and verdict.claim is not None and verdict.claim.how != verdict.how


def _lags(verdicts: Iterable[Verdict]) -> Iterable[int]:
    for verdict in verdicts:
        if verdict.earned is not None and verdict.turn is not None:
            yield verdict.turn - verdict.earned


def named_table(groups: Groups, dialogues: Mapping[str, DialogueFacts]) -> Table:
    """Return the rounds until the need was named, among the dialogues in which it was named."""
    return Table(
        id="named",
        title="Rounds until the need was named (attributed mode)",
        keys=KEY_COLUMNS,
        measures=["by either", "by the supporter", "by the user", "never named"],
        rows=[
            Row(labels=group.key.labels, cells=_named_cells(group, dialogues))
            for group in groups
            if ATTRIBUTED in group.ratings
        ],
        note=(
            "Median round and range; a round is a user turn and the reply to it, the opening is round 0. "
            "Dialogues in which nobody named it are not in the median: a low one may go with a low success "
            "rate."
        ),
    )


def _named_cells(group: Group, dialogues: Mapping[str, DialogueFacts]) -> dict[str, Cell]:
    rounds: dict[str, list[int]] = defaultdict(list)
    never = 0
    for votes in group.by_dialogue(ATTRIBUTED):
        agreed = outcome_of(votes)
        never += agreed == NOBODY
        first = _first_naming([vote for vote in votes if need_outcome(vote) == agreed], dialogues)
        if first is not None:
            rounds[first[0]].append(first[1])
    return {
        "by either": median_and_range(rounds["supporter"] + rounds["user"]),
        "by the supporter": median_and_range(rounds["supporter"]),
        "by the user": median_and_range(rounds["user"]),
        "never named": never,
    }


def _first_naming(votes: Iterable[Rating], dialogues: Mapping[str, DialogueFacts]) -> tuple[str, int] | None:
    """Return who named the need, and in which round.

    Where agreeing votes quote different turns, the earliest turn counts.
    """
    namings = [
        (dialogues[vote.dialogue].round_of(verdict.turn), verdict.named_by)
        for vote in votes
        if (verdict := vote.verdict) and verdict.turn is not None and vote.dialogue in dialogues
        if verdict.named_by in ("supporter", "user") and verdict.success is not None
    ]
    if not namings:
        return None
    first, by = min(namings)
    return by, first


def disclosure_table(dialogues: Iterable[DialogueFacts]) -> Table | None:
    """Return the rounds until a guarded user could say each chain node, per difficulty.

    None without guarded users.
    """
    guarded = [dialogue for dialogue in dialogues if dialogue.unlocked is not None]
    if not guarded:
        return None
    by_key: dict[tuple[str, str, int], list[DialogueFacts]] = defaultdict(list)
    for dialogue in guarded:
        for node in range(max(dialogue.nodes, 1)):
            by_key[dialogue.supporter, dialogue.difficulty or "unknown", node].append(dialogue)
    rows = [
        Row(labels=[supporter, difficulty, str(node)], cells=_disclosure_cells(group, node))
        for (supporter, difficulty, node), group in sorted(by_key.items())
    ]
    return Table(
        id="disclosure",
        title="Rounds until the guarded user opened up",
        keys=["Supporter", "Difficulty", "Chain node"],
        measures=["rounds", "unlocked", "never", "dialogues"],
        rows=rows,
        note=(
            "Node 0 is the surface need, the last one of a chain the true need; median round and range in "
            "which a node first came within reach, among the dialogues in which it did."
        ),
    )


def moves_table(dialogues: Iterable[DialogueFacts]) -> Table | None:
    """Return what the supporters' turns did, as guarded users took them, and what broke. None without moves."""
    by_key: dict[tuple[str, str], list[DialogueFacts]] = defaultdict(list)
    for dialogue in dialogues:
        if dialogue.moves:
            by_key[dialogue.supporter, dialogue.difficulty or "unknown"].append(dialogue)
    if not by_key:
        return None
    rows = [Row(labels=list(key), cells=_move_cells(group)) for key, group in sorted(by_key.items())]
    return Table(
        id="moves",
        title="What the supporters' turns did, as the users took them",
        keys=["Supporter", "Difficulty"],
        measures=[*MOVE_NAMES.values(), *RUPTURE_MEASURES],
        rows=rows,
        digits=dict.fromkeys(MOVE_NAMES.values(), 2),
        note=(
            "Moves: mean share of a dialogue's turns, by the appraiser. Ruptured: dialogues in which a layer was named "
            "too deep or too soon. Not repaired: those of them that ended before trust was back."
        ),
    )


def _move_cells(dialogues: Sequence[DialogueFacts]) -> dict[str, Cell]:
    shares: dict[str, Cell] = {
        title: fmean(dialogue.moves.get(move, 0) / sum(dialogue.moves.values()) for dialogue in dialogues)
        for move, title in MOVE_NAMES.items()
    }
    counts = (
        sum(dialogue.ruptures > 0 for dialogue in dialogues),
        sum(dialogue.unrepaired for dialogue in dialogues),
        len(dialogues),
    )
    return shares | dict(zip(RUPTURE_MEASURES, counts, strict=True))


def _disclosure_cells(dialogues: list[DialogueFacts], node: int) -> dict[str, Cell]:
    rounds = [
        dialogue.unlocked[node] for dialogue in dialogues if dialogue.unlocked is not None and node in dialogue.unlocked
    ]
    return {
        "rounds": median_and_range(rounds),
        "unlocked": len(rounds),
        "never": len(dialogues) - len(rounds),
        "dialogues": len(dialogues),
    }
