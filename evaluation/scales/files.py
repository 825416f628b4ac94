"""Scales from files, the shipped ones and a user's own, with errors that say how to fix the file."""

import difflib
import reprlib
from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cocoon.core.errors import CocoonError
from cocoon.core.outside.yaml_text import read_shipped_yaml
from cocoon.evaluation.scales.records import Anchors, Dimension, Scale, ScaleItem, Variant, Wording

_MAX_BYTES = 1_000_000
_RECORDS: dict[str, type[BaseModel]] = {
    "items": ScaleItem,
    "dimensions": Dimension,
    "variants": Variant,
    "anchors": Anchors,
    "name": Wording,
    "instruction": Wording,
}


class _SingleKeyLoader(yaml.SafeLoader):
    """Refuses a key that occurs twice. Plain YAML would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = getattr(key_node, "value", None)
            if not isinstance(key, str):
                continue
            if key in seen:
                problem = f"key {key!r} occurs twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def shipped_scales() -> list[str]:
    """Return the ids of the scales in the package, in alphabetical order."""
    folder = _folder()
    if not folder.is_dir():
        return []
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_scale(name: str | Path) -> Scale:
    """Load the shipped scale with that id, or the scale in the YAML file at that path.

    Raises a CocoonError that names the file, the key and the fix.
    """
    text = str(name)
    if isinstance(name, str) and not text.endswith((".yaml", ".yml")):
        return _load_shipped(text).model_copy(deep=True)
    return _load(Path(text))


@cache
def _load_shipped(scale: str) -> Scale:
    # Libyaml's loader, a fifth of the time, is for our own files alone: deep nesting in a file ends the process there.
    file = _shipped(scale)
    return _checked(str(file), read_shipped_yaml(file))


def read_scale_file(shipped: str) -> bytes:
    """Return the file of a shipped scale as it is."""
    return _shipped(shipped).read_bytes()


def load_scales(files: Iterable[Path] = ()) -> dict[str, Scale]:
    """Return the shipped scales and those of some files, by id. A file replaces the shipped scale of its id."""
    scales = [*map(load_scale, shipped_scales()), *map(load_scale, files)]
    return {scale.id: scale for scale in scales}


def _folder() -> Traversable:
    return resources.files("cocoon.prompts").joinpath("scales")


def _shipped(scale: str) -> Traversable:
    known = shipped_scales()
    if scale in known:
        return _folder().joinpath(f"{scale}.yaml")
    near = difflib.get_close_matches(scale, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the shipped scales are {', '.join(known) or 'none'}."
    raise CocoonError(f"No scale {scale!r}: {hint} For a scale of your own, give the path of its .yaml file")


def _load(file: Traversable) -> Scale:
    path = str(file)
    return _checked(path, _parse(path, _text(path, file)))


def _checked(path: str, raw: object) -> Scale:
    if not isinstance(raw, dict):
        raise CocoonError(f"Scale file {path!r} holds no mapping; begin with `id:`, `range:` and `items:`")
    try:
        return Scale.model_validate(raw)
    except ValidationError as error:
        raise CocoonError(f"Scale file {path!r}: {_phrase(error.errors()[0])}") from None


def _text(path: str, file: Traversable) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CocoonError(f"Cannot read scale file {path!r} ({error.strerror}); check the path") from None
    if len(data) > _MAX_BYTES:
        raise CocoonError(
            f"Scale file {path!r} has {len(data)} bytes, and a scale file may have at most {_MAX_BYTES}; check the path"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        position = f"byte {error.start}"
        raise CocoonError(f"Scale file {path!r} is not UTF-8 ({position}); save it as UTF-8") from None


def _parse(path: str, text: str) -> object:
    try:
        return yaml.load(text, Loader=_SingleKeyLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise CocoonError(f"Scale file {path!r}, line {line}: {error.problem}; fix the YAML there") from None
    except (yaml.YAMLError, RecursionError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        cause = " ".join(str(error).split())[:120]
        raise CocoonError(f"Scale file {path!r} is not readable YAML ({cause}); fix it") from None


def _phrase(error: ErrorDetails) -> str:
    key = _dotted(error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {key!r}; {_nearest(error['loc'])}"
    if error["type"] == "missing":
        return f"key {key!r} is missing; add it"
    reason = error["msg"].removeprefix("Value error, ")
    if not key:
        return f"{reason}; fix it there"
    # reprlib: a few nested aliases in YAML can stand for gigabytes of repr.
    return f"key {key!r}: {reason}, got {reprlib.repr(error['input'])}; fix it there"


def _dotted(loc: Sequence[int | str]) -> str:
    """Return a key path such as `items[2].reverse`.

    List positions count from 1, as a reader of the file counts them.
    """
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _nearest(loc: Sequence[int | str]) -> str:
    known = list(_record_at(loc).model_fields)
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known here are {', '.join(known)}"


def _record_at(loc: Sequence[int | str]) -> type[BaseModel]:
    enclosing = [_RECORDS[part] for part in loc[:-1] if isinstance(part, str) and part in _RECORDS]
    return enclosing[-1] if enclosing else Scale
