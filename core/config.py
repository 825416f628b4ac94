"""The settings of a run: one YAML file, checked, with the origin of every value.

Precedence: defaults < preset < file < environment (`COCOON_USER__MODEL=...`) < `-o user.model=...` < flag.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import explain
from cocoon.core.model_spec import refuse_secrets
from cocoon.core.records import Language, Record

EMBEDDED = "local:smollm2"
UserKind = Literal["guarded", "prompted"]
"""Kinds of simulated user that a model plays: behind a trust gate, or with the paper's prompt."""
ENVIRONMENT_PREFIX = "COCOON_"
DEFAULT = "default"
"""The origin of a setting that nobody set."""
_NOT_SETTINGS = frozenset({"COCOON_CACHE", "COCOON_API_KEY"})
# The first parts of keys that only some kinds of run have.
_KEYS_OF_ALL_KINDS = frozenset(
    {
        *("profiles", "language", "languages", "rounds", "samples", "supporters", "user", "judge", "form_pairs"),
        *("scale_files", "writer", "rater", "taxonomy", "rewrite", "situations"),
        *("limit", "concurrency", "timeout", "budget", "prices", "base", "dialogues", "name", "data", "lora", "fit"),
    }
)


class SupporterConfig(Record):
    """A supporter: its model, the prompt of `prompts/supporter/`, and the name it has in every table."""

    name: str = ""
    model: str = EMBEDDED
    prompt: str = "listen"
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=200, ge=1)


class UserConfig(Record):
    """The simulated user. `appraiser` is a model, `rule`, or None for the user's own model."""

    model: str = EMBEDDED
    kind: UserKind = "guarded"
    difficulty: Literal["easy", "normal", "hard"] = "normal"
    rules: Literal["neutral", "listening"] = "neutral"
    appraiser: str | None = None
    may_leave: bool = False
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=160, ge=1)


class JudgeConfig(Record):
    """The judge. `floor`: items to whose legal answers a local model gave less probability than this are missing.

    `permute`: from the second vote on, a scale's items are asked in another order, so that votes differ at
    temperature 0 too.
    """

    model: str | None = None
    scales: list[str] = ["success", "basic", "comfort", "rac"]
    votes: int = Field(default=1, ge=1)
    permute: bool = False
    temperature: float = Field(default=0.0, ge=0, le=2)
    max_tokens: int = Field(default=500, ge=1)
    floor: float = Field(default=0.05, ge=0, le=1)


class BudgetConfig(Record):
    """Limits of the whole run, over all its sessions. None is no limit."""

    calls: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    money: float | None = Field(default=None, ge=0)


class RunConfig(Record):
    """What every kind of run can be told. `free_keys` may change between two sessions of one run."""

    free_keys: ClassVar[tuple[str, ...]] = ("concurrency", "timeout", "budget", "prices")

    limit: int | None = Field(default=None, ge=1)
    concurrency: int = Field(default=32, ge=1)
    timeout: float = Field(default=60.0, gt=0)
    budget: BudgetConfig = BudgetConfig()
    prices: dict[str, tuple[float, float]] = {}
    seed: int = 0
    prompts: str | None = None

    @classmethod
    def verb_of(cls) -> str:
        """Return the command whose runs have this configuration."""
        return "simulate"


class StudyConfig(RunConfig):
    """Everything that decides what a run of conversations does.

    `form_pairs` is the number of contents in each language on which the appraiser's form invariance is measured, with
    two calls each. With 0 it is not measured.
    """

    # Changing these between two sessions of one run changes no dialogue that is already there.
    free_keys: ClassVar[tuple[str, ...]] = (
        *RunConfig.free_keys,
        *("limit", "samples", "form_pairs", "judge", "scale_files"),
    )

    profiles: list[str] = []
    language: Language | None = None
    rounds: int = Field(default=10, ge=0)
    samples: int = Field(default=1, ge=1)
    supporters: list[SupporterConfig] = Field(default=[SupporterConfig()], min_length=1)
    user: UserConfig = UserConfig()
    judge: JudgeConfig = JudgeConfig()
    form_pairs: int = Field(default=30, ge=0)
    scale_files: list[str] = []


PAPER_MODEL = "openai:gpt-4o-2024-11-20"
# What the paper states of its settings (section 5.1, appendices E and F.1); what it leaves open is our default.
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "limit": 200,
        "user.model": PAPER_MODEL,
        "user.kind": "prompted",
        "user.temperature": 0.7,
        "supporters": [{"model": PAPER_MODEL, "temperature": 0.7}],
        "judge.model": PAPER_MODEL,
        "judge.temperature": 0.0,
    }
}


ConfigT = TypeVar("ConfigT", bound=Record)


@dataclass(frozen=True)
class Resolved(Generic[ConfigT]):
    """A configuration and, for every dotted key that is not a default, where its value came from."""

    config: ConfigT
    origins: dict[str, str]

    def rows(self) -> list[tuple[str, Any, str]]:
        """Return (dotted key, value, origin) of every setting. The origin of an untouched setting is `default`."""
        values = _dotted(self.config.model_dump(mode="json"))
        return [(key, value, self._origin(key)) for key, value in values]

    def _origin(self, key: str) -> str:
        """Return where a key was set: itself, or a key above it that was given with all it holds."""
        parts = key.split(".")
        above = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        return next((self.origins[name] for name in above if name in self.origins), DEFAULT)


def _dotted(tree: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    settings: list[tuple[str, Any]] = []
    for key, value in tree.items():
        name = f"{above}{key}"
        # Prices are named by model, and a model's name contains dots of its own.
        if isinstance(value, dict) and name != "prices":
            settings += _dotted(value, f"{name}.")
        else:
            settings.append((name, value))
    return settings


def resolve(
    file: Path | None = None,
    options: Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    preset: str | None = None,
) -> Resolved[StudyConfig]:
    """Merge the settings of a run of conversations, as `resolve_as` does for any kind of run."""
    return resolve_as(StudyConfig, file, options, flags, environment, preset)


def resolve_as(
    kind: type[ConfigT],
    file: Path | None = None,
    options: Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    preset: str | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
) -> Resolved[ConfigT]:
    """Merge the sources of settings. Raises CocoonError naming the source, the key and the nearest known key.

    `presets` are those of this kind of run, by name, and None means those of conversations. Variables of the
    environment that are settings of another kind of run only are ignored.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    variables = _of_kind(os.environ if environment is None else environment, kind)
    sources = _sources(file, options, flags or {}, variables)
    for origin, values in chain(_preset(preset, PRESETS if presets is None else presets), sources):
        for key, value in values.items():
            _put(merged, key, value, origin)
            for known in [name for name in origins if name.startswith(f"{key}.")]:
                del origins[known]
            origins[key] = origin
    try:
        config = kind.model_validate(merged)
    except ValidationError as error:
        raise CocoonError(f"{_origin_of(error, origins)}: {explain(error, kind)}") from None
    for key, spec in _specs(config.model_dump(mode="json")):
        refuse_secrets(spec, f"{_origin_of_key(key, origins)}: key {key!r}")
    return Resolved(config, origins)


def _of_kind(environment: Mapping[str, str], kind: type[Record]) -> dict[str, str]:
    def serves(name: str) -> bool:
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")[0]
        return key in kind.model_fields or key not in _KEYS_OF_ALL_KINDS

    return {name: value for name, value in environment.items() if serves(name)}


def _specs(value: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield every model's spec in a configuration, with its dotted key."""
    if isinstance(value, str) and above.rpartition(".")[2] in ("model", "appraiser"):
        yield above, value
    named = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in named:
        yield from _specs(child, f"{above}.{key}" if above else str(key))


def _preset(name: str | None, presets: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if name is None:
        return
    if name not in presets:
        raise CocoonError(f"preset {name!r} is not known; there are {', '.join(presets)}")
    yield f"preset {name}", presets[name]


def _sources(
    file: Path | None, options: Sequence[str], flags: Mapping[str, Any], environment: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    if file is not None:
        yield str(file), dict(_flat(_read_yaml(file)))
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and name not in _NOT_SETTINGS:
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            yield f"environment {name}", dict(_flat({key: _scalar(value)}))
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise CocoonError(f"-o {option!r}: write KEY=VALUE, such as -o user.difficulty=hard")
        yield f"-o {key}", dict(_flat({key: _scalar(value)}))
    for key, value in flags.items():
        if value is not None:
            yield f"flag for {key}", {key: value}


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise CocoonError(f"{file}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError) as error:
        raise CocoonError(f"{file}: not YAML ({error})".replace("\n", " ")) from None
    if value is not None and not isinstance(value, dict):
        raise CocoonError(f"{file}: must hold keys and values, such as 'rounds: 10'")
    return value or {}


def read_presets(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the presets of a folder of YAML files by name, each with its values by dotted key."""
    return {file.stem: dict(_flat(_read_yaml(file))) for file in sorted(folder.glob("*.yaml"))}


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and key != "prices":
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _scalar(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):  # ValueError: a date that is none, such as 2024-13-45
        return text


def _put(tree: dict[str, Any], key: str, value: Any, origin: str) -> None:
    *above, last = key.split(".")
    for part in above:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise CocoonError(f"{origin}: key {key!r}: {part!r} has no keys")
    tree[last] = value


def _origin_of(error: ValidationError, origins: Mapping[str, str]) -> str:
    return _origin_of_key(".".join(str(part) for part in error.errors()[0]["loc"]), origins)


def _origin_of_key(key: str, origins: Mapping[str, str]) -> str:
    for known in sorted(origins, key=len, reverse=True):
        if known == key or known.startswith(f"{key}.") or key.startswith(f"{known}."):
            return origins[known]
    return "configuration"


def differences(stored: RunConfig, now: RunConfig) -> list[str]:
    """Return the keys in which two configurations of one kind would make different things.

    A number or a word is shown with both values, as in `rounds: 10, now 12`.
    """
    before, after = stored.model_dump(mode="json"), now.model_dump(mode="json")
    changed = [key for key in before if key not in stored.free_keys and before[key] != after[key]]
    return [
        f"{key}: {before[key]}, now {after[key]}" if _is_short(before[key]) and _is_short(after[key]) else key
        for key in changed
    ]


def _is_short(value: object) -> bool:
    return isinstance(value, int | float | str) and len(str(value)) <= 40


def to_yaml(config: Record) -> str:
    """Return the configuration as YAML."""
    return yaml.safe_dump(config.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
