"""Tables on how far the judges can be trusted: missing, forced and constant answers, and the prompts in use."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from cocoon.core.records import Rating
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.groups import KEY_COLUMNS, Groups, prompt_versions
from cocoon.evaluation.measures import LEGAL_FLOOR
from cocoon.evaluation.statistics.estimates import wilson
from cocoon.reports.tables.records import Row, Table

_CONSTANT_FROM = 3


def answers_table(ratings: Iterable[Rating], floor: float = LEGAL_FLOOR) -> Table:
    """Return missing items and forced ratings per judge and scale, over all supporters."""
    rows = [
        Row(
            labels=[judge, scale],
            cells={
                "ratings": len(judge_ratings),
                "missing items or verdicts": wilson(*_missing(judge_ratings)),
                "forced ratings": wilson(*_forced(judge_ratings, floor)),
                "dialogues answered alike": "all" if _is_constant(judge_ratings) else "no",
            },
        )
        for (judge, scale), judge_ratings in _by_judge(ratings).items()
    ]
    return Table(
        id="answers",
        title="Answers of the judges",
        keys=["Judge", "Scale"],
        measures=["ratings", "missing items or verdicts", "forced ratings", "dialogues answered alike"],
        rows=rows,
        note=(
            "Shares with Wilson's 95% interval; items of one rating are not independent, so theirs is too "
            f"narrow. Forced: the unmasked model gave less than {floor:g} of its probability to legal "
            "answers at some item; n counts ratings for which that is known (local models)."
        ),
    )


def _by_judge(ratings: Iterable[Rating]) -> dict[tuple[str, str], list[Rating]]:
    groups: dict[tuple[str, str], list[Rating]] = defaultdict(list)
    for rating in ratings:
        if not rating.not_applicable:
            groups[rating.judge, rating.scale].append(rating)
    return dict(sorted(groups.items()))


def _missing(ratings: Sequence[Rating]) -> tuple[int, int]:
    """Return (missing, all) items, or verdicts where the scale has no items."""
    values = [value for rating in ratings for value in rating.items.values()]
    if values:
        return sum(value is None for value in values), len(values)
    return sum(r.verdict is None or r.verdict.success is None for r in ratings), len(ratings)


def _forced(ratings: Sequence[Rating], floor: float) -> tuple[int, int, int]:
    """Return the counts of (forced, known, unknown) ratings."""
    known = [rating.legal_mass for rating in ratings if rating.legal_mass is not None]
    return sum(mass < floor for mass in known), len(known), len(ratings) - len(known)


def _is_constant(ratings: Sequence[Rating]) -> bool:
    """Return whether every item has only one value across all dialogues.

    False with fewer than three dialogues.
    """
    answered = [rating for rating in ratings if any(value is not None for value in rating.items.values())]
    if len({rating.dialogue for rating in answered}) < _CONSTANT_FROM:
        return False
    values: dict[str, set[int]] = defaultdict(set)
    for rating in answered:
        for item, value in rating.items.items():
            if value is not None:
                values[item].add(value)
    return all(len(item_values) == 1 for item_values in values.values())


def constant_warnings(ratings: Iterable[Rating]) -> list[str]:
    """Return one warning per judge and scale that answered every dialogue alike."""
    return [
        f"Judge {judge} answered every item of {scale} with the same value in all "
        f"{len({rating.dialogue for rating in judge_ratings})} dialogues: these scores do not tell dialogues apart."
        for (judge, scale), judge_ratings in _by_judge(ratings).items()
        if _is_constant(judge_ratings)
    ]


def prompts_table(groups: Groups) -> Table:
    """Return the judge prompt behind every score, by id and hash."""
    counts: dict[tuple[str, ...], int] = defaultdict(int)
    for group in groups:
        for scale in group.ratings:
            for rating in group.applicable(scale):
                counts[(*group.key.labels, scale, rating.prompt_id, rating.prompt_sha)] += 1
    return Table(
        id="prompts",
        title="Judge prompts",
        keys=[*KEY_COLUMNS, "Scale", "Prompt", "Hash"],
        measures=["ratings"],
        rows=[Row(labels=list(key), cells={"ratings": count}) for key, count in sorted(counts.items())],
    )


def version_warnings(ratings: Iterable[Rating], dialogues: Mapping[str, DialogueFacts]) -> list[str]:
    """Return one warning where a judge used several prompts for one scale. Each prompt has rows of its own."""
    return [
        f"Judge {judge} rated {scale} ({language}, {need}) under {len(versions)} prompts: "
        f"{', '.join(f'{name} {sha}' for name, sha in sorted(versions))}. Their scores are not comparable."
        for (judge, language, need, scale), versions in sorted(prompt_versions(ratings, dialogues).items())
        if len(versions) > 1
    ]
