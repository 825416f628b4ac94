"""Measures form invariance: an appraiser reads each content as a question and as a statement.

Every appraisal goes through the run's caller under a dialogue id of its own, so it is journalled, counts against the
budget, and is not asked again when the run is resumed.
"""

import asyncio
from collections.abc import Sequence
from typing import get_args

from cocoon.agents.appraiser import Appraiser, ModelAppraiser, RuleAppraiser
from cocoon.agents.scene import Scene
from cocoon.agents.trust import RULES, Rules, TrustGate
from cocoon.core.calls import Caller
from cocoon.core.errors import CallFailedError
from cocoon.core.jsonl import read_records
from cocoon.core.profile_files import SHIPPED, profile_path
from cocoon.core.records import Language, Profile
from cocoon.evaluation.form_invariance import FormInvariance, FormPair, PairChange, form_invariance, form_pairs

PREFIX = "form-invariance."
"""Begins the dialogue id of every appraisal made here."""


async def measure(
    appraiser: Appraiser,
    rules: Rules,
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
    scenes = [scene for pair in pairs for scene in _scenes(pair, profiles[pair.profile])]
    found = await asyncio.gather(*(_change(appraiser, rules, caller, one) for one in scenes), return_exceptions=True)
    trust = [_value(one) for one in found]
    changes = [
        PairChange(pair=pair.id, kind=pair.kind, question=question, statement=statement)
        for pair, question, statement in zip(pairs, trust[::2], trust[1::2], strict=True)
    ]
    return form_invariance(_name(appraiser), rules, languages, changes)


def _profiles(languages: Sequence[Language]) -> dict[str, Profile]:
    paths = [path for language in languages for path in profile_path(f"{SHIPPED}:{language}")]
    return {profile.id: profile for path in paths for profile in read_records(path, Profile)}


def _name(appraiser: Appraiser) -> str:
    if isinstance(appraiser, ModelAppraiser):
        return appraiser.model.label
    return "rule" if isinstance(appraiser, RuleAppraiser) else type(appraiser).__name__


def _scenes(pair: FormPair, profile: Profile) -> list[Scene]:
    """The pair's last moment with the question, and with the statement."""
    said = [{"role": turn.role, "content": turn.content} for turn in pair.said]
    return [
        Scene(f"{PREFIX}{pair.id}.{form}", profile, [*said, {"role": "supporter", "content": words}])
        for form, words in (("question", pair.question), ("statement", pair.statement))
    ]


async def _change(appraiser: Appraiser, rules: Rules, caller: Caller, scene: Scene) -> float | None:
    """The change of trust, in points, at the start of a talk; none for a missing appraisal."""
    unlocked = TrustGate(rules=rules).begin(scene.profile).unlocked
    caller.admit(scene.dialogue)
    try:
        appraisal, _ = await appraiser.appraise(caller, scene, unlocked)
    except CallFailedError:
        return None
    finally:
        caller.dismiss(scene.dialogue)
    return None if appraisal is None else RULES[rules](appraisal)


def _value(found: float | BaseException | None) -> float | None:
    if isinstance(found, BaseException):
        raise found
    return found
