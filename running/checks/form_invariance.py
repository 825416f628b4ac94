"""Measures form invariance: an appraiser reads each content as a question and as a statement.

Every appraisal goes through the run's caller under a dialogue id of its own, so it is journalled, counts against the
budget, and is not asked again when the run is resumed.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, get_args, runtime_checkable

from cocoon.agents.protocols import UserView, user_view
from cocoon.agents.users.appraiser import Appraiser
from cocoon.agents.users.trust import RULES, TrustGate
from cocoon.core.errors import CallFailedError
from cocoon.core.jsonl import read_records
from cocoon.core.outside.profile_files import SHIPPED, profile_path
from cocoon.core.records import Language, Profile, Turn
from cocoon.evaluation.fidelity.form_invariance import FormInvariance, FormPair, PairChange, form_invariance, form_pairs
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.reader import opened_journal
from cocoon.models.journal.store import Entry, Place

PREFIX = "form-invariance."
"""Begins the dialogue id of every appraisal made here."""
_FORMS = ("question", "statement")


@runtime_checkable
class Appraises(Protocol):
    """A simulated user that appraises the supporter's words and lets its trust follow by a rule."""

    @property
    def appraiser(self) -> Appraiser: ...

    @property
    def gate(self) -> TrustGate: ...


def appraisal_of(user: object) -> Appraises | None:
    """Return the user where it appraises, None where form invariance has no meaning."""
    return user if isinstance(user, Appraises) else None


async def measure_form_invariance(
    user: Appraises,
    caller: Caller,
    languages: Sequence[Language] = get_args(Language),
    limit: int | None = None,
) -> FormInvariance:
    """Appraise the shipped pairs of `languages` (of each the first `limit`) in both forms, two calls a pair.

    An appraisal that cannot be read or made is missing. What ends a run (budget, stop, replay mismatch, a full disk)
    is raised once the calls under way are answered.
    """
    profiles = _profiles(languages)
    pairs = [pair for language in languages for pair in form_pairs(language, limit)]
    moments = [moment for pair in pairs for moment in _moments(pair, profiles[pair.profile])]
    changes_of_trust = await asyncio.gather(
        *(_change(user, caller, dialogue, view) for dialogue, view in moments), return_exceptions=True
    )
    trust = [_value(change) for change in changes_of_trust]
    changes = [
        PairChange(pair=pair.id, kind=pair.kind, question=question, statement=statement)
        for pair, question, statement in zip(pairs, trust[::2], trust[1::2], strict=True)
    ]
    return form_invariance(user.appraiser.facts().name, user.gate.rules, languages, changes)


def form_calls(languages: Sequence[Language], limit: int) -> int:
    """Return the number of calls that a measurement on the first `limit` pairs of each language takes."""
    return sum(2 * len(form_pairs(language, limit)) for language in languages)


def measured_calls(runs: Iterable[Path]) -> Iterator[Entry]:
    """Yield the appraisals that other runs have made for their measurements."""
    names = [
        f"{PREFIX}{pair.id}.{form}"
        for language in get_args(Language)
        for pair in form_pairs(language)
        for form in _FORMS
    ]
    for run in runs:
        with opened_journal(run / "journal.sqlite") as journal:
            if journal is not None:
                yield from (call.entry for name in names for call in journal.calls(name))


def _profiles(languages: Sequence[Language]) -> dict[str, Profile]:
    paths = [path for language in languages for path in profile_path(f"{SHIPPED}:{language}")]
    return {profile.id: profile for path in paths for profile in read_records(path, Profile)}


def _moments(pair: FormPair, profile: Profile) -> list[tuple[str, UserView]]:
    """Return the pair's last moment with the question, and with the statement, each under a dialogue id."""
    before = [Turn(role=turn.role, content=turn.content) for turn in pair.said]
    return [
        (f"{PREFIX}{pair.id}.{form}", user_view(profile, [*before, Turn(role="supporter", content=words)]))
        for form, words in zip(_FORMS, (pair.question, pair.statement), strict=True)
    ]


async def _change(user: Appraises, caller: Caller, dialogue: str, view: UserView) -> float | None:
    """Return the change of trust, in points, at the start of a talk, None for a missing appraisal."""
    rules = user.gate.rules
    unlocked = TrustGate(rules=rules).begin(view.profile).unlocked
    caller.admit(dialogue)
    try:
        client = JournaledClient(caller, Place(dialogue, "appraise", view.round))
        appraisal = await user.appraiser.appraise(client, view, unlocked)
    except CallFailedError:
        return None
    finally:
        caller.dismiss(dialogue)
    return None if appraisal is None else RULES[rules](appraisal)


def _value(value: float | BaseException | None) -> float | None:
    if isinstance(value, BaseException):
        raise value
    return value
