"""One declaration for a setting: a field of a configuration that is also a keyword of Python and a flag.

`flag(...)` declares such a field. `settings_of` reads the declarations of a configuration, of nested ones too. What the
command line shows (help, choices, short name) and what Python takes both come from there. `read_settings` reads the
keywords of a function as a record, with errors that name a setting as its flag is named.
"""

import difflib
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Field, JsonValue, ValidationError
from pydantic.fields import FieldInfo

from cocoon.core.errors import CocoonError

ValueT = TypeVar("ValueT")
SettingsT = TypeVar("SettingsT", bound=BaseModel)
_MARK = "flag"


def flag(
    default: ValueT,
    description: str,
    *,
    keyword: str = "",
    option: str = "",
    short: str = "",
    metavar: str = "",
    commas: bool = False,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    min_length: int | None = None,
) -> ValueT:
    """Return a field that is a keyword and a flag too. `keyword` is given where it differs from the field's name.

    `option` is the flag's name where that is not the keyword's, `short` a second name, such as `-n`. `commas` is for a
    list that is one text on the command line.
    """
    declared: dict[str, JsonValue] = {
        **{"keyword": keyword, "option": option, "short": short, "metavar": metavar},
        "commas": commas,
    }
    return Field(
        default=default,
        description=description,
        json_schema_extra={_MARK: declared},
        ge=ge,
        gt=gt,
        le=le,
        min_length=min_length,
    )


@dataclass(frozen=True)
class Setting:
    """A setting: its keyword, its dotted key, and what the command line shows of it.

    `kind` is the type of a value (of an element, for a list). `key` holds `*` for every element of a list.
    """

    keyword: str
    key: str
    kind: object
    many: bool
    commas: bool
    default: object
    description: str
    options: tuple[str, ...]
    metavar: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that are possible, empty where they are not listed."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def nested(self) -> bool:
        """Whether a value holds settings of its own."""
        return _record_of(self.kind) is not None


@cache
def settings_of(kind: type[BaseModel]) -> dict[str, Setting]:
    """Return the settings of a configuration by their keyword, nested ones too. Raises ValueError for two of one."""
    settings: dict[str, Setting] = {}
    for setting in _settings(kind, "", None):
        if setting.keyword in settings:
            raise ValueError(f"{kind.__name__}: keyword {setting.keyword!r} is declared twice")
        settings[setting.keyword] = setting
    return settings


def default_at(kind: type[BaseModel], key: str) -> object:
    """Return the default of a dotted key of a configuration, None where the key is not known."""
    value: object = None
    fields: type[BaseModel] | None = kind
    for part in key.split("."):
        field = fields.model_fields.get(part) if fields is not None else None
        if field is None:
            return None
        value = getattr(value, part) if isinstance(value, BaseModel) else field.get_default(call_default_factory=True)
        fields = _record_of(_bare(field.annotation))
    return value


def read_settings(kind: type[SettingsT], values: Mapping[str, object]) -> SettingsT:
    """Return settings as a record. None stands for the default.

    Raises CocoonError for an unknown name, naming the nearest, and for a value that a setting does not have.
    """
    for name in values:
        if name not in kind.model_fields:
            raise unknown_setting(name, kind.model_fields)
    try:
        return kind.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise CocoonError(_problem(error)) from None


def unknown_setting(name: str, known: Iterable[str]) -> CocoonError:
    """Return the error of a setting that does not exist. It names the nearest one that does."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(known)}."
    return CocoonError(f"setting {name!r} is not known. {hint}")


def refused(name: str, value: object, known: Sequence[str]) -> CocoonError:
    """Return the error of a value that a setting does not have. `known` are those that it has."""
    return CocoonError(f"--{name.replace('_', '-')} {value}: choose {', '.join(known)}")


def _settings(kind: type[BaseModel], above: str, defaults: object) -> Iterator[Setting]:
    for name in _own_first(kind):
        field = kind.model_fields[name]
        default = getattr(defaults, name, None) if defaults else field.get_default(call_default_factory=True)
        inner, many = _element(_bare(field.annotation))
        setting = _declared(name, above, field, default)
        if setting is not None:
            yield setting
        record = _record_of(inner)
        if record is not None:
            yield from _settings(record, f"{above}{name}.{'*.' if many else ''}", None if many else default)


def _own_first(kind: type[BaseModel]) -> list[str]:
    """Return the names of the fields, those that the class declares itself before those of its bases."""
    inherited = [name for name in kind.model_fields if name not in kind.__annotations__]
    return [*(name for name in kind.model_fields if name in kind.__annotations__), *inherited]


def _declared(name: str, above: str, field: FieldInfo, default: object) -> Setting | None:
    extra = field.json_schema_extra
    declared = extra.get(_MARK) if isinstance(extra, dict) else None
    if not isinstance(declared, dict):
        return None
    kind, many = _element(_bare(field.annotation))
    keyword = str(declared["keyword"] or name)
    option = str(declared["option"] or f"--{keyword.replace('_', '-')}")
    return Setting(
        keyword=keyword,
        key=f"{above}{name}",
        kind=kind,
        many=many,
        commas=bool(declared["commas"]),
        default=default,
        description=field.description or "",
        options=(str(declared["short"]), option) if declared["short"] else (option,),
        metavar=str(declared["metavar"]),
    )


def _bare(annotation: object) -> object:
    """Return a type without `None` beside it."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 else annotation


def _element(kind: object) -> tuple[object, bool]:
    """Return the type of a value or of a list's element, and whether it is a list."""
    return (get_args(kind)[0], True) if get_origin(kind) is list else (kind, False)


def _record_of(kind: object) -> type[BaseModel] | None:
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "literal_error":
        expected = str(first.get("ctx", {}).get("expected"))
        return str(refused(name, first["input"], re.findall(r"'([^']*)'", expected)))
    if first["type"] == "missing":
        return f"no {name.replace('_', ' ')} is given. Give --{name.replace('_', '-')}."
    return f"--{name.replace('_', '-')} {first['input']!r}: {first['msg']}"
