"""From the keywords of a verb to its configuration: the same names as the flags of the command line."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cocoon.core.config import RunConfig, StudyConfig, resolve_as
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.profile_files import profile_path
from cocoon.core.records import Profile
from cocoon.running.study import OwnObjects

Options = Sequence[str] | Mapping[str, Any]
"""Further settings by their dotted key: `{"user.difficulty": "hard"}`, or as `-o` takes them."""
Supporters = object
"""A spec, an agent, a mapping of names to either, or a list of them."""
Profiles = str | Path | Profile | Sequence["str | Path | Profile"]

# Keyword (and flag, with - for _) to the dotted key of the configuration.
KEYWORDS = {
    "limit": "limit",
    "language": "language",
    "rounds": "rounds",
    "samples": "samples",
    "seed": "seed",
    "user_kind": "user.kind",
    "difficulty": "user.difficulty",
    "rules": "user.rules",
    "appraiser": "user.appraiser",
    "votes": "judge.votes",
    "permute": "judge.permute",
    "floor": "judge.floor",
    "concurrency": "concurrency",
    "timeout": "timeout",
    "budget_calls": "budget.calls",
    "budget_tokens": "budget.tokens",
    "budget_money": "budget.money",
    "form_pairs": "form_pairs",
    "prompts": "prompts",
    "prices": "prices",
}
ConfigT = TypeVar("ConfigT", bound=RunConfig)


@dataclass
class Sources:
    """Where settings come from beside the keywords: a YAML file, a preset, options."""

    config: Path | str | None = None
    preset: str | None = None
    options: Options = ()

    def resolve(self, kind: type[ConfigT], flags: Mapping[str, Any]) -> ConfigT:
        """Return the configuration. Raises CocoonError naming source, key and the nearest known key."""
        options = self.options
        # A mapping holds values as they are; those of `-o` are read as YAML.
        mapped = dict(options) if isinstance(options, Mapping) else {}
        listed = [] if isinstance(options, Mapping) else list(options)
        path = Path(self.config) if self.config is not None else None
        return resolve_as(kind, path, listed, {**mapped, **flags}, preset=self.preset).config


def flags_of(keywords: Mapping[str, Any], known: Mapping[str, str] = KEYWORDS) -> dict[str, Any]:
    """Return the values of keywords by their dotted key. Raises CocoonError naming an unknown one and the nearest."""
    for name in keywords:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(known)}."
            raise CocoonError(f"setting {name!r} is not known. {hint}")
    return {known[name]: value for name, value in keywords.items() if value is not None}


def supporters_of(supporters: Supporters, prompt: str | None, own: OwnObjects) -> list[dict[str, str]] | None:
    """Return the supporters of a run as its configuration has them, None where nothing was given."""
    extra = {"prompt": prompt} if prompt else {}
    if supporters is None:
        return [extra] if extra else None
    named: list[tuple[str, object]] = []
    if isinstance(supporters, Mapping):
        named = [(str(name), value) for name, value in supporters.items()]
    else:
        named = [_named(value) for value in (supporters if isinstance(supporters, list | tuple) else [supporters])]
    return [_supporter(name, value, own) | extra for name, value in named]


def _named(value: object) -> tuple[str, object]:
    if not isinstance(value, str):
        return "", value
    name, equals, spec = value.partition("=")
    # An address may hold an equals sign of its own. A name holds neither colon nor slash.
    return (name, spec) if equals and not set(name) & set(":/#") else ("", value)


def _supporter(name: str, value: object, own: OwnObjects) -> dict[str, str]:
    spec = spec_of(value, own, name)
    return {"name": name, "model": spec} if name else {"model": spec}


def spec_of(value: object, own: OwnObjects, name: str = "") -> str:
    """Return the spec of an agent: a text as it is, an object under its own name."""
    return value if isinstance(value, str) else own.add(name or _name_of(value), value)


def _name_of(value: object) -> str:
    for attribute in ("name", "__name__"):
        name = getattr(value, attribute, None)
        if isinstance(name, str) and name.isidentifier():
            return name
    return type(value).__name__


def profile_files(profiles: Profiles, out: Path) -> list[str]:
    """Return the files of some profiles. Records are written into the run's folder, so that it can be resumed."""
    listed = [profiles] if isinstance(profiles, str | Path | Profile) else list(profiles)
    records = [profile for profile in listed if isinstance(profile, Profile)]
    files = [str(path) for name in listed if not isinstance(name, Profile) for path in profile_path(str(name))]
    if records:
        out.mkdir(parents=True, exist_ok=True)
        write_whole(out / "profiles.jsonl", map(dump_line, records))
        files.append(str(out / "profiles.jsonl"))
    return files


def with_profile_files(config: StudyConfig) -> StudyConfig:
    """Return the settings with every name of profiles, shipped ones too, as the files that it stands for."""
    files = [str(path) for name in config.profiles for path in profile_path(name)]
    return config.model_copy(update={"profiles": files})


def scale_names(scales: str | Sequence[str] | None) -> list[str] | None:
    """Return the names of scales, given as a list or separated by commas."""
    return scales.split(",") if isinstance(scales, str) else list(scales) if scales is not None else None
