"""An option that a verb has no use for in the mode it is in is refused, never passed over."""

from collections.abc import Collection, Mapping

import typer


def refuse_unused(values: Mapping[str, object], used: Collection[str], mode: str) -> None:
    """Raise for an option that was given and is not among those used. `mode` says what uses none of the others."""
    for option, value in values.items():
        # Zero is a value, so that equality with False does not tell.
        given = value is not None and value is not False and value != []
        if given and option not in used:
            raise typer.BadParameter(f"{option} has no use {mode}. Leave it out.")
