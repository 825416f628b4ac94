"""Names that settings had in earlier releases. Runs that began with them keep them, and others are told the new."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from cocoon.core.config import Resolved, StudyConfig, UserConfig
from cocoon.core.errors import CocoonError
from cocoon.core.outside.yaml_text import read_yaml

FORMER, RENAMED = "neutral", "naming"
"""The trust rules that were the default up to release 0.2, and what they are called now."""


def with_rules_of(resolved: Resolved[StudyConfig], out: Path | None = None) -> Resolved[StudyConfig]:
    """Return the settings with the trust rules that the runs in `out` began with. See `user_with_rules_of`."""
    user = user_with_rules_of(resolved.config.user, resolved.origins, out)
    return replace(resolved, config=resolved.config.model_copy(update={"user": user}))


def user_with_rules_of(user: UserConfig, origins: Mapping[str, str], out: Path | None = None) -> UserConfig:
    """Return the user under `neutral` rules where the runs in `out` began with them, and nothing else was given.

    `origins` says where settings were given. Raises CocoonError where a new run is to have the former name.
    """
    if out is not None and FORMER in _rules_of_runs(out):
        if "user.rules" not in origins or user.rules == RENAMED:
            return user.model_copy(update={"rules": FORMER})
    elif user.rules == FORMER:
        raise CocoonError(
            f"{origins.get('user.rules', 'user.rules')}: the trust rules {FORMER!r} are called {RENAMED!r} now. "
            f"Write {RENAMED}, or leave it out for the default."
        )
    return user


def began_without(out: Path, key: str) -> bool:
    """Return whether the run in a folder began before there was a setting of that key."""
    file = out / "config.yaml"
    return file.exists() and key not in (read_yaml(file) or {})


def _rules_of_runs(out: Path) -> Iterator[object]:
    """Yield the trust rules of the runs in a folder, that of a study included."""
    for depth in ("", "*/", "*/*/"):
        for file in sorted(out.glob(f"{depth}config.yaml")):
            value = read_yaml(file)
            user = value.get("user") if isinstance(value, dict) else None
            yield user.get("rules") if isinstance(user, dict) else None
