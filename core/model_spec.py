"""Model specs. A key may not be part of a spec, because specs are in every record. Also the parts of a local spec."""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.core.errors import CocoonError

ADAPTER, STEER, TEMPLATE = "adapter", "steer", "template"
# How a control is applied; the meaning of the values is the control's own matter.
STEER_OPTIONS = ("layers", "mode", "tokens", "at")
SERVER_KEY = "COCOON_SERVER_KEY"
"""The variable that has the key of `cocoon serve`, for the server and for its clients on this machine."""
SERVED_DIRECTIONS = "COCOON_DIRECTIONS"
"""The variable that names files and folders of directions to our plug-in for vLLM."""
ARGUMENT_PREFIX = "cocoon_"
"""How the extra arguments of a request to vLLM begin that ask the plug-in to steer."""
STEERING_REFUSAL = "cocoon steering: "
"""How every refusal of the plug-in begins."""
_NEXT_ADDRESS = re.compile(r",(?=https?://)")
_PART = re.compile(r"\+(\w+)=")

_USER_INFO = re.compile(r"(?<=://)[^/@\s'\"#?]+(?=@)")
_KEY_IN_QUERY = re.compile(r"(?<=[?&])((?:[\w-]*(?:key|token|secret|password))=)[^&#\s'\"]+", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """Return the text with passwords and keys in addresses replaced by ***."""
    return _KEY_IN_QUERY.sub(r"\1***", _USER_INFO.sub("***", text))


def refuse_secrets(spec: str, where: str = "model") -> None:
    """Raise CocoonError, in words that do not repeat it, for a spec whose address holds a password or a key."""
    if without_secrets(spec) != spec:
        raise CocoonError(
            f"{where}: {without_secrets(spec)!r} has a password or key, which every record would contain; "
            "leave it out and set OPENAI_API_KEY in the environment"
        )


def split_name(text: str) -> tuple[str, str]:
    """Return the name, empty where none is given, and the spec of `[NAME=]SPEC`."""
    name, equals, spec = text.partition("=")
    # An address may hold an equals sign of its own. A name holds neither colon nor slash.
    return (name, spec) if equals and not set(name) & set(":/#") else ("", text)


def split_addresses(url: str) -> list[str]:
    """Return the addresses of the servers in `http://A/v1,http://B/v1`, where one model is served several times.

    Raises CocoonError for a part that is no address, and for one that is given twice.
    """
    addresses = _NEXT_ADDRESS.split(url)
    wrong = next((address for address in addresses if "," in address.partition("?")[0]), None)
    if wrong is not None:
        raise CocoonError(f"address {url!r}: {wrong!r} is no address; write http://A:8000/v1,http://B:8000/v1")
    if len({address.rstrip("/") for address in addresses}) < len(addresses):
        raise CocoonError(f"address {url!r} names one server twice")
    return addresses


def split_specs(text: str) -> list[str]:
    """Return the specs of `SPEC,SPEC`. The addresses of one model are not parted from each other."""
    specs = list[str]()
    for part in text.split(","):
        # An address without a model belongs to the model after it.
        if specs and specs[-1].startswith(("http://", "https://")) and "#" not in specs[-1]:
            specs[-1] += f",{part}"
        else:
            specs.append(part.strip())
    return [spec for spec in specs if spec]


@dataclass(frozen=True)
class LocalSpec:
    """A local model as a spec names it.

    `BASE[+template=FILE][+adapter=PATH][+steer=PATH:COEF[+layers=16-24][+mode=add]...]`. `template` is a chat template
    in place of the model's own. `coefficient` is in shares of each layer's median residual norm, and `options`
    (`STEER_OPTIONS`) say how `steer` is applied.
    """

    base: str
    adapter: str | None = None
    steer: str | None = None
    coefficient: float = 0.0
    options: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None


def read_local_spec(text: str) -> LocalSpec:
    """Return the parts of a spec without its `local:`.

    Raises CocoonError for a part that is unknown, empty, or given twice.
    """
    spec = f"local:{text}"
    named = _read_parts(text, spec, (ADAPTER, TEMPLATE, STEER, *STEER_OPTIONS))
    if not named.base:
        raise CocoonError(f"model {spec!r} names no base; write local:BASE+adapter=PATH+steer=PATH:COEF")
    return named


def read_served_spec(text: str) -> LocalSpec:
    """Return the parts of a served row's name, `ROW[+steer=FILE:COEF[+at=every]...]`. Without +steer= it is a name.

    An adapter is a row of its own at the server. Raises CocoonError as `read_local_spec` does.
    """
    return _read_parts(text, text, (STEER, *STEER_OPTIONS)) if f"+{STEER}=" in text else LocalSpec(text)


def _read_parts(text: str, spec: str, known: Sequence[str]) -> LocalSpec:
    base, *rest = _PART.split(text)
    names, values = rest[::2], rest[1::2]
    for name, value in zip(names, values, strict=True):
        _check_part(spec, name, value, names, known)
    parts = dict(zip(names, values, strict=True))
    options = {name: parts[name] for name in STEER_OPTIONS if name in parts}
    if STEER not in parts:
        if options:
            raise CocoonError(f"model {spec!r}: '+{next(iter(options))}=' says how to steer; add +steer=PATH:COEF")
        return LocalSpec(base, parts.get(ADAPTER), template=parts.get(TEMPLATE))
    path, coefficient = _dose(spec, parts[STEER])
    return LocalSpec(base, parts.get(ADAPTER), path, coefficient, options, parts.get(TEMPLATE))


def short_name(text: str) -> str:
    """Return a name for a local spec, of its base, its files without folders and its coefficient."""
    named = read_local_spec(text)
    files = [Path(part).name for part in (named.base, named.template, named.adapter, named.steer) if part]
    stems = [file.removesuffix(".gguf").removesuffix(".safetensors").removesuffix(".jinja") for file in files]
    return "-".join([*stems, f"{named.coefficient:g}"] if named.steer else stems)


def _check_part(spec: str, name: str, value: str, names: list[str], known: Sequence[str]) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean '+{close[0]}='?" if close else f"known are {', '.join(known)}"
        raise CocoonError(f"model {spec!r}: unknown part '+{name}='; {hint}")
    if not value:
        raise CocoonError(f"model {spec!r}: '+{name}=' is empty")
    if names.count(name) > 1:
        raise CocoonError(f"model {spec!r}: '+{name}=' is given twice")


def _dose(spec: str, value: str) -> tuple[str, float]:
    """Return the path and the coefficient of `PATH:COEF`, split at the last colon."""
    path, _, number = value.rpartition(":")
    try:
        coefficient = float(number)
    except ValueError:
        coefficient = math.nan
    if not path or not math.isfinite(coefficient):
        raise CocoonError(
            f"model {spec!r}: write +steer=PATH:COEF with a finite number, such as +steer=d.safetensors:0.04"
        )
    return path, coefficient
