"""Why the values of a rating are missing."""

from cocoon.core.records import Rating


def missing_reasons(rating: Rating) -> list[str]:
    """Return the reasons in a rating: one for a verdict or a whole reply, and one for each item.

    What follows a colon is about one reply alone and is left out, so that equal reasons can be counted.
    """
    verdict = [rating.verdict.missing] if rating.verdict and rating.verdict.missing else []
    whole_reply = {rating.missing["*"]} if "*" in rating.missing else set()
    items = [reason for item, reason in rating.missing.items() if item != "*"]
    reasons = [*verdict, *(reason for reason in whole_reply if reason not in verdict), *items]
    return [reason.partition(":")[0] for reason in reasons]
