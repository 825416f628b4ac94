"""Settings of a function as a record, with errors that name a setting as its flag on the command line is named."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cocoon.core.errors import CocoonError

SettingsT = TypeVar("SettingsT", bound=BaseModel)


def read_settings(kind: type[SettingsT], values: Mapping[str, Any]) -> SettingsT:
    """Return settings as a record. None stands for the default.

    Raises CocoonError for an unknown name, naming the nearest, and for a value that a setting does not have.
    """
    for name in values:
        if name not in kind.model_fields:
            close = difflib.get_close_matches(name, kind.model_fields, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(kind.model_fields)}."
            raise CocoonError(f"setting {name!r} is not known. {hint}")
    try:
        return kind.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise CocoonError(_problem(error)) from None


def refused(name: str, value: object, known: Sequence[str]) -> CocoonError:
    """Return the error of a value that a setting does not have. `known` are those that it has."""
    return CocoonError(f"--{name.replace('_', '-')} {value}: choose {', '.join(known)}")


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "literal_error":
        expected = str(first.get("ctx", {}).get("expected"))
        return str(refused(name, first["input"], re.findall(r"'([^']*)'", expected)))
    if first["type"] == "missing":
        return f"no {name.replace('_', ' ')} is given. Give --{name.replace('_', '-')}."
    return f"--{name.replace('_', '-')} {first['input']!r}: {first['msg']}"
