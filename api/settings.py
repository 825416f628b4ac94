"""What a function of `cocoon` is given, as settings: a spec stands for an agent of Python, a file for its records."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.model_spec import split_name
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import Profile, Record
from cocoon.core.settings import Setting
from cocoon.core.verb_settings import Given, VerbSettings
from cocoon.running.study import OwnObjects

Supporters = object
"""A spec, an agent, a mapping of names to either, or a list of them."""
Profiles = str | Path | Profile | Sequence["str | Path | Profile"]
ConfigT = TypeVar("ConfigT", bound=Record)
FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


def takes(verb: VerbSettings[ConfigT]) -> Callable[[FunctionT], FunctionT]:
    """Return a decorator that shows a verb's settings in the signature and the docstring of a function."""

    def show(function: FunctionT) -> FunctionT:
        signature = inspect.signature(function)
        named = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        taken = {one.name for one in named}
        settings = [setting for name, setting in verb.settings.items() if name not in taken]
        function.__signature__ = signature.replace(parameters=[*named, *map(_parameter, settings)])
        lines = (f"    {setting.keyword}: {_described(setting)}" for setting in verb.settings.values())
        function.__doc__ = "\n".join([inspect.getdoc(function) or "", "", "Settings:", *lines])
        return function

    return show


def _parameter(setting: Setting) -> inspect.Parameter:
    return inspect.Parameter(setting.keyword, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=object)


def _described(setting: Setting) -> str:
    choices = f" One of {', '.join(map(repr, setting.choices))}." if setting.choices else ""
    return f"{setting.description}{choices}"


def out_folder(out: str | Path) -> Path:
    """Return the folder of a run. Raises CocoonError for an empty name, which would be the folder one stands in."""
    if not str(out):
        raise CocoonError("out is empty. Name a folder for the run, such as runs/first.")
    return Path(out)


def with_own(given: Given[ConfigT], own: OwnObjects, out: Path) -> Given[ConfigT]:
    """Return the settings with a spec in place of every agent, and files in place of every profile of Python."""
    keywords = given.keywords
    changes: dict[str, object] = {
        role: spec_of(keywords[role], own) for role in ("user", "judge") if keywords.get(role) is not None
    }
    if keywords.get("supporter") is not None:
        changes["supporter"] = supporters_of(keywords["supporter"], own)
    if keywords.get("profiles") is not None:
        changes["profiles"] = profile_files(keywords["profiles"], out)
    return given.and_also(**changes)


def supporters_of(given: Supporters, own: OwnObjects) -> list[dict[str, str]]:
    """Return the supporters of a run as its configuration has them."""
    if isinstance(given, Mapping):
        named = [(str(name), value) for name, value in given.items()]
    else:
        listed = given if isinstance(given, list | tuple) else [given]
        named = [split_name(value) if isinstance(value, str) else ("", value) for value in listed]
    return [_supporter(name, value, own) for name, value in named]


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


def profile_files(given: object, out: Path) -> list[str]:
    """Return the files of some profiles. Records are written into the run's folder, so that it can be resumed."""
    listed = list(given) if isinstance(given, list | tuple) else [given]
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
