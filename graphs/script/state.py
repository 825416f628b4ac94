"""What a script's nodes share: their context, the state of one dialogue, and what they read from it."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langgraph.runtime import Runtime
from pydantic import Field

from cocoon.agents.judges.judges import ScaleJudge
from cocoon.agents.writers.scripts import Script, ScriptWriter
from cocoon.core.records import Dialogue, Profile, Record, Turn
from cocoon.evaluation.screen.screen import ScreenRules, Spoken
from cocoon.models.calls import Caller, Reply
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place

SOURCE = "cocoon script"
SUPPORTER = "script"
PIECE = 1_000
"""Above the turns of any dialogue: the same turn of a piece that was taken back is another call."""


@dataclass(frozen=True)
class ScriptContext:
    """Who writes and rates, and the rules. `exchanges` are in one piece, `pieces` the most with repairs.

    `screen_pieces`: whether each piece is screened as it is written, or the whole listening stage at the end.
    """

    caller: Caller
    agent: ScriptWriter
    judge: ScaleJudge
    rules: ScreenRules
    exchanges: int = 3
    pieces: int = 6
    suggestions: int = 4
    screen_pieces: bool = True


class ScriptInput(Record):
    """What a script is written from."""

    profile: Profile = Field(description="a profile record with a need, such as a line of examples/profiles/en.jsonl")
    item: str = Field(default="", description="the id that the dialogue will have")


class ScriptState(TypedDict, total=False):
    """One dialogue while it is written.

    `turns` are plain turns (role, content, draft). `findings` are those of the screen in the pieces that stand, and
    `begun_at` is the first turn of the last piece.
    """

    item: str
    profile: dict[str, Any]
    turns: list[dict[str, Any]]
    piece: int
    begun_at: int
    note: str
    screened: str
    decision: str
    analysis: dict[str, Any]
    boundary: int
    findings: list[dict[str, Any]]
    rating: dict[str, Any]
    drop: dict[str, str]
    calls: Annotated[list[str], operator.add]


Context = Runtime[ScriptContext]


def profile_of(state: ScriptState) -> Profile:
    """Return whose script it is."""
    return Profile.model_validate(state.get("profile"))


def script_of(state: ScriptState) -> Script:
    """Return the script as it stands."""
    return Script(profile_of(state), state.get("turns", []))


def client_at(state: ScriptState, runtime: Context, node: str, ordinal: int = 0) -> JournaledClient:
    """Return a client whose calls are journalled at a node. `ordinal` tells its calls in one dialogue apart."""
    return JournaledClient(runtime.context.caller, Place(state.get("item", ""), node, ordinal))


def replies_of(clients: Iterable[JournaledClient]) -> list[Reply]:
    """Return the replies of some clients in their order."""
    return [reply for client in clients for reply in client.replies]


def listening_of(state: ScriptState) -> list[Spoken]:
    """Return the turns of the listening stage, or all of them while it is being written."""
    listening = state.get("turns", [])[: state.get("boundary")]
    return [Spoken(turn["role"], turn["content"]) for turn in listening]


def rounds_of(turns: Sequence[Mapping[str, Any]]) -> int:
    """Return how many turns are the user's."""
    return sum(turn["role"] == "user" for turn in turns)


def dialogue_of(state: Mapping[str, Any]) -> Dialogue:
    """Return the dialogue as it stands."""
    profile = Profile.model_validate(state["profile"])
    return Dialogue(
        id=state.get("item", ""),
        profile=profile,
        supporter=SUPPORTER,
        language=profile.language,
        turns=[Turn.model_validate(turn) for turn in state.get("turns", []) if turn["content"]],
        stage_boundary=state.get("boundary"),
        source=f"{SOURCE} ({profile.source})",
        licence=profile.licence,
    )
