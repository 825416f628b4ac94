"""The one place where a `Dialogue` of two agents is built, whoever had them talk."""

from collections.abc import Sequence

from cocoon.core.records import AgentFacts, Dialogue, Profile, Turn

PERSON = AgentFacts(name="person", kind="person")
"""The facts of a human being who plays a role."""


def build_dialogue(
    dialogue: str,
    profile: Profile,
    supporter: AgentFacts,
    user: AgentFacts,
    turns: Sequence[Turn],
    stop_reason: str | None,
    *,
    sample: int = 0,
    how: str = "simulated",
) -> Dialogue:
    """Return the record of a conversation, which takes from each agent what the agent says of itself.

    `how` the words came about stands in `source`, together with where the profile is from.
    """
    return Dialogue(
        id=dialogue,
        profile=profile,
        supporter=supporter.name,
        sample=sample,
        language=profile.language,
        turns=list(turns),
        stop_reason=stop_reason,
        user_kind=user.kind,
        difficulty=user.settings.get("difficulty", ""),
        rules=user.settings.get("rules", ""),
        source=f"{how} ({profile.source})",
        licence=profile.licence,
    )
