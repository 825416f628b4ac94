"""The options of a verb, made from the declarations of its settings: names, help, choices, one value or a list."""

import functools
import inspect
import operator
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar

import typer

from cocoon.core.records import Record
from cocoon.core.settings import Setting
from cocoon.core.verb_settings import Given, VerbSettings

ConfigT = TypeVar("ConfigT", bound=Record)
Verb = Callable[..., None]
GIVEN = "given"
# A verb with settings of two configurations has one parameter for each.
COMPARED = "compared"
PAPER = "paper: the settings of the paper."
_SCALARS = (bool, int, float, str)


def settings_of(
    verb: VerbSettings[ConfigT],
    *,
    only: Collection[str] = (),
    without: Collection[str] = (),
    arguments: Collection[str] = (),
    required: Collection[str] = (),
    spelled: Mapping[str, str] | None = None,
    preset: str = "",
    into: str = GIVEN,
    sources: bool = True,
) -> Callable[[Verb], Verb]:
    """Return a decorator that gives a function a verb's settings as options, and their values as its parameter `into`.

    `only` and `without` are keywords, as are `arguments` (which need no option's name) and `required`. `spelled` are
    names of options that differ on this verb. `preset` is the help of `--preset`, where the verb has one. Without
    `sources` there is no `--config` and no `-o`. A parameter of the function's own keeps the setting of its name out.
    """

    def decorate(function: Verb) -> Verb:
        own = dict(inspect.signature(function).parameters)
        before = list(own)[: list(own).index(into)]
        del own[into]
        chosen = {
            name: setting
            for name, setting in verb.settings.items()
            if (not only or name in only) and name not in {*without, *own} and _is_option(setting)
        }
        names = spelled or {}
        shown = [_parameter(one, names.get(name), name in arguments, name in required) for name, one in chosen.items()]
        shown += _sources("config" in required, preset) if sources else []

        @functools.wraps(function)
        def command(**values: object) -> None:
            keywords = {name: values.pop(name) for name in chosen}
            # A switch that stands as it is by default was not given.
            switches = {name for name, setting in chosen.items() if setting.kind is bool}
            told = {
                name: None if name in switches and value == _is_on(chosen[name]) else value
                for name, value in keywords.items()
            }
            config, preset = _path(values.pop("config", None)), _text(values.pop("preset", None))
            function(**{into: Given(verb, told, config, preset, _texts(values.pop("options", None)))}, **values)

        first, last = [own[name] for name in before], [one for name, one in own.items() if name not in before]
        parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*first, *shown, *last)]
        command.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        return command

    return decorate


def _is_option(setting: Setting) -> bool:
    return setting.kind in _SCALARS or bool(setting.choices) or (setting.many and setting.nested)


def _is_on(setting: Setting) -> bool:
    return setting.default is True


def _parameter(setting: Setting, spelled: str | None, argument: bool, required: bool) -> inspect.Parameter:
    names = (*setting.options[:-1], spelled) if spelled else setting.options
    default = ... if argument or required else _is_on(setting) if setting.kind is bool else None
    if default is True:
        names = (*names[:-1], f"{names[-1]}/--no-{names[-1].removeprefix('--')}")
    metavar = setting.metavar or None
    if argument:
        shown = typer.Argument(default, metavar=metavar, help=setting.description)
    else:
        shown = typer.Option(default, *names, metavar=metavar, help=setting.description)
    return _keyword_only(setting.keyword, _annotation(setting, default is None), shown)


def _annotation(setting: Setting, may_lack: bool) -> object:
    """Return the type that the command line reads: a text where the configuration reads more than the choices."""
    kind = str if setting.nested or setting.commas or (setting.choices and setting.metavar) else setting.kind
    if setting.many and not setting.commas:
        kind = list[str]
    return operator.or_(kind, None) if may_lack else kind


def _sources(config_required: bool, preset: str) -> list[inspect.Parameter]:
    """Return the options of where else settings come from."""
    config = typer.Option(
        ... if config_required else None, "--config", help="A YAML file of settings (see `cocoon config show`)."
    )
    options = typer.Option(None, "-o", metavar="KEY=VALUE", help="One setting, such as -o seed=1. Repeatable.")
    sources = [
        _keyword_only("config", Path if config_required else Path | None, config),
        _keyword_only("options", list[str] | None, options),
    ]
    if preset:
        sources.append(_keyword_only("preset", str | None, typer.Option(None, "--preset", help=preset)))
    return sources


def _keyword_only(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _path(value: object) -> Path | None:
    return value if isinstance(value, Path) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []
