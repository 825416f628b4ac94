"""An option that a verb has no use for in the mode it is in is refused, never passed over."""

from collections.abc import Collection, Mapping

import typer


def refuse_unused(values: Mapping[str, object], used: Collection[str], mode: str) -> None:
    """Raise for an option that was given and is not among those used. `mode` says what uses none of the others."""
    for option, value in values.items():
        if option not in used and value not in (None, False, [], ()):
            raise typer.BadParameter(f"{option} has no use {mode}. Leave it out.")
