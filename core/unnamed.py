"""Says where nobody named a model, so that the embedded one is never taken in silence."""

from collections.abc import Iterator

from pydantic import BaseModel

from cocoon.core.config import EMBEDDED, RunConfig

FLAGS = {"user": "--user SPEC", "supporters": "--supporter SPEC", "writer": "--writer SPEC"}
"""The roles that the embedded model plays where nobody is named, and how somebody is named."""


def unnamed_note(config: RunConfig, *, but: str = "") -> str | None:
    """Return a line on the roles that fall to the embedded model because nobody named theirs, or None.

    `but` is a role whose model is named elsewhere.
    """
    roles = [role for role in FLAGS if role != but and any(_unnamed(config, role))]
    if not roles:
        return None
    names = " and ".join(role.removesuffix("s") for role in roles)
    flags = " ".join(FLAGS[role] for role in roles)
    return (
        f"No model is named for the {names}: the embedded SmolLM2-135M is taken, which shows the machinery and not "
        f"the science. Name one: {flags}"
    )


def _unnamed(config: RunConfig, role: str) -> Iterator[bool]:
    value = getattr(config, role, None)
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, BaseModel):
            yield "model" not in part.model_fields_set and getattr(part, "model", None) == EMBEDDED
