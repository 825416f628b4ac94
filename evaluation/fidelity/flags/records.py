"""The flags of a simulated user's turn, and what a detector is shown of it."""

from dataclasses import dataclass
from typing import Literal, get_args

from cocoon.core.records import Language, Profile

UserFlag = Literal["role_inversion", "thought_leak", "profile_recited", "outside_profile", "empty_agreement"]
USER_FLAGS: tuple[UserFlag, ...] = get_args(UserFlag)
"""Defined in docs/guide/fidelity.md, with how well each is found."""


@dataclass(frozen=True)
class UserMoment:
    """One turn of the user, with what was said before it.

    `supporter` is the supporter's turn before it. `earlier` is everything else that was said before by either side.
    `described` is whether the profile says who the user is, so that there can be facts outside of it.
    """

    text: str
    supporter: str
    earlier: str
    language: Language
    profile: Profile
    described: bool = True
