"""Has an agent speak: from the journal where it is known to have spoken, else by running it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
from pydantic import BaseModel

from cocoon.core.errors import ReplayMismatchError
from cocoon.core.records import AgentFacts, OwnCall
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place, SpokenEntry, text_sha

SpokenT = TypeVar("SpokenT", bound=BaseModel)


async def speak(
    caller: Caller,
    client: JournaledClient,
    facts: AgentFacts,
    seen: Callable[[], object],
    kind: type[SpokenT],
    run: Callable[[], Awaitable[SpokenT]],
) -> SpokenT:
    """Return what an agent says at the client's place. `seen` gives what it was shown, as plain JSON.

    An agent of ours is run again on a resume, and its calls come from the journal. An agent of the user's own may do
    anything (ask a model of its own, use a tool, draw a number), so its words are journalled and it is not run again.
    """
    if facts.source is None:
        return await run()
    place = client.place._replace(attempt=0)
    fingerprint = text_sha(orjson.dumps([facts.source.sha, seen()], option=orjson.OPT_SORT_KEYS).decode())
    spoken = caller.utterance_at(place)
    if spoken is not None:
        if spoken.fingerprint != fingerprint:
            raise _mismatch(caller, place, facts)
        return kind.model_validate_json(spoken.utterance)
    caller.journal.check()
    utterance = await run()
    own_calls: list[OwnCall] = getattr(utterance, "own_calls", [])
    caller.count_own(own_calls)
    await caller.keep_utterance(SpokenEntry(place, fingerprint, utterance.model_dump_json()))
    return utterance


def _mismatch(caller: Caller, place: Place, facts: AgentFacts) -> ReplayMismatchError:
    file = facts.source.file if facts.source else facts.name
    return ReplayMismatchError(
        f"{caller.journal.path}: dialogue {place.dialogue!r}, {place.key!r}: agent {facts.name!r} ({file}) has already "
        "spoken here with other code or after other words. Undo the change, or use another --out."
    )
