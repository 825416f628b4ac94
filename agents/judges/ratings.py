"""Ratings of judges: how one of your own makes them, whose they are, and which are still current."""

from collections.abc import Mapping

from cocoon.agents.protocols import ChecksRatings, Judge
from cocoon.core.answers import Missing
from cocoon.core.records import Dialogue, Rating


def make_rating(
    dialogue: Dialogue,
    scale: str,
    dimensions: Mapping[str, float | None],
    *,
    items: Mapping[str, int | None] | None = None,
    missing: Mapping[str, str] | None = None,
) -> Rating:
    """Return a rating of a dialogue. A dimension without a value is None, and `missing` says why.

    The run signs it with the judge's name, the vote and the hash of the judge's code.
    """
    return Rating(
        **dialogue.head,
        scale=scale,
        judge="",
        prompt_id="",
        prompt_sha="",
        items=dict(items or {}),
        dimensions=dict(dimensions),
        missing=dict(missing or {}),
    )


def signed(rating: Rating | Missing, judge: Judge, dialogue: Dialogue, vote: int) -> Rating:
    """Return a rating with the head that a judge of the user's own leaves to the run."""
    if isinstance(rating, Missing):
        rating = make_rating(dialogue, judge.name, {}, missing={"*": rating.reason})
    if rating.judge and rating.prompt_sha:
        return rating
    facts = judge.facts()
    sha = facts.source.version if facts.source else ""
    head = {"judge": facts.name, "vote": vote, "prompt_id": facts.kind, "prompt_sha": sha, "scale": judge.name}
    return rating.model_copy(update=head)


def is_current(judge: Judge, rating: Rating) -> bool:
    """Return whether a rating was made by this judge as it is now."""
    if rating.scale != judge.name:
        return False
    if isinstance(judge, ChecksRatings):
        return judge.is_current(rating)
    facts = judge.facts()
    return rating.judge == facts.name and rating.prompt_sha == (facts.source.version if facts.source else "")
