"""The settings of a run: one YAML file, checked, with the origin of every value.

Precedence: defaults < preset < file < environment (`COCOON_USER__MODEL=...`) < `-o user.model=...` < flag.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import explain
from cocoon.core.merging import Merged, dotted, flat
from cocoon.core.model_spec import SERVED_DIRECTIONS, SERVER_KEY, refuse_secrets
from cocoon.core.outside.yaml_text import parse_yaml, read_yaml
from cocoon.core.records import Language, Record
from cocoon.core.sampling import AppraisalConfig, SamplingConfig
from cocoon.core.settings import default_at, flag

EMBEDDED = "local:smollm2"
Price = tuple[float, float] | tuple[float, float, float]
"""Money for a million tokens in, out and, where it differs, in from the server's prefix cache."""
UserKind = Literal["guarded", "prompted"]
"""Kinds of simulated user that a model plays: behind a trust gate, or with the paper's prompt."""
Engine = Literal["here", "ray"]
HERE: Engine = "here"
TrustRules = Literal["attuned", "people", "people-1", "people-2", "people-3", "naming", "listening", "neutral"]
"""What opens a guarded user. `neutral` is the former name of `naming`, which runs that began with it keep."""
ENVIRONMENT_PREFIX = "COCOON_"
DEFAULT = "default"
"""The origin of a setting that nobody set."""
_NOT_SETTINGS = frozenset({"COCOON_CACHE", "COCOON_API_KEY", SERVER_KEY, SERVED_DIRECTIONS})
# The first parts of keys that only some kinds of run have.
_KEYS_OF_ALL_KINDS = frozenset(
    {
        *("profiles", "language", "languages", "rounds", "samples", "supporters", "user", "judge", "form_pairs"),
        *("scale_files", "writer", "rater", "taxonomy", "rewrite", "situations"),
        *("limit", "concurrency", "timeout", "patience", "budget", "prices", "shard", "lease", "engine", "replicas"),
        *("base", "dialogues", "name", "data", "lora", "fit"),
    }
)


class SupporterConfig(SamplingConfig):
    """A supporter: its model, its prompt, and the name it has in every table."""

    name: str = Field(default="", description="Its name in every table; without one, that of its model.")
    model: str = Field(default=EMBEDDED, description="Its model.")
    prompt: str = flag("listen", "Its prompt: listen, plain, brief, or your own.", keyword="supporter_prompt")
    max_tokens: int = Field(default=200, ge=1, description="Most tokens of one reply, without thoughts.")


class UserConfig(SamplingConfig):
    """The simulated user."""

    model: str = flag(EMBEDDED, "The simulated user's model.", keyword="user", metavar="SPEC")
    kind: UserKind = flag("guarded", "guarded (trust gate) or prompted (the paper's).", keyword="user_kind")
    difficulty: Literal["easy", "normal", "hard"] = flag("normal", "How hard trust is won (guarded user).")
    rules: TrustRules = flag("attuned", "Trust rules (guarded user). What was neutral is naming now.")
    appraiser: str | None = flag(None, "Appraising model, or rule; otherwise the user's own model.", metavar="SPEC")
    appraisal: AppraisalConfig = Field(default=AppraisalConfig(), description="How the appraising model is asked.")
    may_leave: bool = Field(default=False, description="Whether it may end the talk.")
    max_tokens: int = Field(default=160, ge=1, description="Most tokens of one reply, without thoughts.")


class JudgeConfig(SamplingConfig):
    """The judge."""

    model: str | None = flag(None, "The judge's model.", keyword="judge", metavar="SPEC")
    scales: list[str] = flag(
        ["success", "basic", "comfort", "rac"],
        "What to judge: success,basic,comfort,rac,aels or your own.",
        commas=True,
    )
    votes: int = flag(1, "Independent ratings of each dialogue (needs temperature > 0, or --permute).", ge=1)
    # From the second vote on, so that votes differ at temperature 0 too.
    permute: bool = flag(False, "Ask the items of later votes in another order (any temperature).")
    show_need: bool = flag(True, "Show the profile's need to the judge of a scale (success always shows it).")
    temperature: float | None = Field(default=0.0, ge=0, le=2, description="Its temperature. Null sends none.")
    max_tokens: int = Field(default=500, ge=1, description="Most tokens of one answer, without thoughts.")
    floor: float = flag(0.05, "An item is missing where a local model gave its legal answers less.", ge=0, le=1)


class BudgetConfig(Record):
    """Limits of the whole run, over all its sessions. None is no limit."""

    calls: int | None = flag(None, "Stop cleanly after so many calls, over all sessions.", keyword="budget_calls", ge=0)
    tokens: int | None = flag(None, "Stop cleanly after about so many tokens.", keyword="budget_tokens", ge=0)
    money: float | None = flag(
        None, "Stop cleanly after about so much money (see prices).", keyword="budget_money", ge=0
    )


MOST = 1_000_000
"""Most profiles of a run, and most dialogues of one profile: more is a slip of the keyboard."""


class RunConfig(Record):
    """What every kind of run can be told. `free_keys` may change between two sessions of one run.

    The folder of prompts may, because a run holds the hashes of its prompts, and refuses other texts.
    """

    free_keys: ClassVar[tuple[str, ...]] = (
        *("concurrency", "timeout", "patience", "budget", "prices", "prompts", "batch", "batch_every", "lease"),
        *("engine", "replicas"),
    )

    limit: int | None = flag(None, "Only the first N profiles, from several files in turn.", short="-n", ge=1, le=MOST)
    concurrency: int = flag(32, "Most requests at once to one endpoint.", ge=1)
    timeout: float = flag(60.0, "Seconds of silence after which a call is given up.", gt=0)
    patience: float = flag(900.0, "Seconds to wait for an endpoint that answers nobody.", gt=0)
    budget: BudgetConfig = Field(default=BudgetConfig(), description="Where the run stops.")
    prices: dict[str, Price] = flag({}, "Price of a million tokens, in, out and from the prompt cache, by model.")
    batch: bool = flag(False, "Send calls as provider batches, at half the price; the same command fetches them.")
    batch_every: float = Field(default=30.0, gt=0, description="Seconds between two looks at a batch.")
    seed: int = flag(0, "Seed of every draw.")
    prompts: str | None = flag(None, "A folder of your own prompts.", metavar="FOLDER")
    shard: str | None = flag(None, "Only part I of N of the people; any/N takes part after part.", metavar="I/N")
    lease: float = Field(default=60.0, gt=0, description="Seconds of silence after which a worker counts as dead.")
    engine: Engine = flag(HERE, "What makes the parts: this process, or ray (tasks on one machine or a cluster).")
    replicas: int | None = flag(None, "With --engine ray: parts at once, for local models one on each GPU.", ge=1)

    @field_validator("shard")
    @classmethod
    def _one_of_one_is_all(cls, shard: str | None) -> str | None:
        return None if shard == "1/1" else shard

    @classmethod
    def verb_of(cls) -> str:
        """Return the command whose runs have this configuration."""
        return "simulate"


class StudyConfig(RunConfig):
    """Everything that decides what a run of conversations does."""

    # Changing these between two sessions of one run changes no dialogue that is already there.
    free_keys: ClassVar[tuple[str, ...]] = (
        *RunConfig.free_keys,
        *("limit", "samples", "form_pairs", "judge", "scale_files"),
    )

    profiles: list[str] = flag(
        [], "Profiles: a JSONL file, or shipped:en, shipped:zh, shipped. Repeatable.", metavar="FILE"
    )
    language: Language | None = flag(None, "Only profiles in this language.")
    rounds: int = flag(10, "Replies of the supporter after its opening.", ge=0, le=10_000)
    samples: int = flag(1, "Dialogues per profile and supporter.", ge=1, le=MOST)
    supporters: list[SupporterConfig] = flag(
        [SupporterConfig()],
        "The supporter's model. Repeatable.",
        keyword="supporter",
        metavar="[NAME=]SPEC",
        min_length=1,
    )
    user: UserConfig = Field(default=UserConfig(), description="The simulated user.")
    judge: JudgeConfig = Field(default=JudgeConfig(), description="The judge.")
    form_pairs: int = flag(
        30, "Contents per language on which the appraiser's form invariance is measured; 0 measures none.", ge=0
    )
    scale_files: list[str] = flag(
        [],
        "A scale of your own, such as one with licensed wording. Repeatable.",
        option="--scale-file",
        metavar="FILE",
    )


PAPER_MODEL = "openai:gpt-4o-2024-11-20"
# What the paper states (section 5.1, appendices E and F.1), with our own people. What it leaves open is our default.
PRESETS: dict[str, dict[str, object]] = {
    "paper": {
        "profiles": ["open:zh"],
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

    def given(self, key: str) -> str | None:
        """Return how a key, or one below it, was given for this very call (`-o` or a flag), None where it was not."""
        for name, origin in self.origins.items():
            if (name == key or name.startswith(f"{key}.")) and origin.startswith(("-o ", "flag for ")):
                return origin
        return None

    def refuse(self, keys: Sequence[str], why: str) -> None:
        """Raise CocoonError where one of the keys was given for this very call, and could not be honoured."""
        for key in keys:
            if origin := self.given(key):
                raise CocoonError(f"{origin}: {why}")

    def rows(self) -> list[tuple[str, object, str]]:
        """Return (dotted key, value, origin) of every setting. The origin of an untouched setting is `default`."""
        return [(key, value, self._origin(key)) for key, value in dotted(self.config.model_dump(mode="json"), "")]

    def _origin(self, key: str) -> str:
        """Return where a key was set: itself, a key above it that was given whole, or its elements one by one."""
        parts = key.split(".")
        above = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        given = next((self.origins[name] for name in above if name in self.origins), None)
        elements = [origin for name, origin in self.origins.items() if name.startswith(f"{key}.")]
        return given or ", ".join(dict.fromkeys(elements)) or DEFAULT


def resolve(
    file: Path | None = None,
    options: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    preset: str | None = None,
) -> Resolved[StudyConfig]:
    """Merge the settings of a run of conversations, as `resolve_as` does for any kind of run."""
    return resolve_as(StudyConfig, file, options, flags, environment, preset)


def resolve_as(
    kind: type[ConfigT],
    file: Path | None = None,
    options: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    preset: str | None = None,
    presets: Mapping[str, Mapping[str, object]] | None = None,
) -> Resolved[ConfigT]:
    """Merge the sources of settings. Raises CocoonError naming the source, the key and the nearest known key.

    `presets` are by name, and None means those of conversations. Variables of other kinds of run are ignored.
    """
    variables = _of_kind(os.environ if environment is None else environment, kind)
    merged = Merged(lambda key: _default_list(kind, key))
    given = _sources(file, options, flags or {}, variables)
    for origin, values in chain(_preset(preset, PRESETS if presets is None else presets), given):
        # An empty mapping in the place of a record sets none of its fields. Elsewhere it is a value like another.
        merged.add({key: value for key, value in values.items() if value != {} or not _is_record(kind, key)}, origin)
    tree, origins = merged.finish(), merged.origins
    try:
        config = kind.model_validate(tree)
    except ValidationError as error:
        raise CocoonError(f"{_origin_of(error, origins)}: {explain(error, kind)}") from None
    for key, spec in specs_of(config.model_dump(mode="json")):
        refuse_secrets(spec, f"{_origin_of_key(key, origins)}: key {key!r}")
    return Resolved(config, origins)


def _is_record(kind: type[Record], key: str) -> bool:
    return isinstance(default_at(kind, key), BaseModel)


def _of_kind(environment: Mapping[str, str], kind: type[Record]) -> dict[str, str]:
    def serves(name: str) -> bool:
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")[0]
        return key in kind.model_fields or key not in _KEYS_OF_ALL_KINDS

    return {name: value for name, value in environment.items() if serves(name)}


def specs_of(value: object, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield every model's spec in a configuration, with its dotted key."""
    if isinstance(value, str) and above.rpartition(".")[2] in ("model", "appraiser"):
        yield above, value
    named = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in named:
        yield from specs_of(child, f"{above}.{key}" if above else str(key))


def _preset(
    name: str | None, presets: Mapping[str, Mapping[str, object]]
) -> Iterator[tuple[str, Mapping[str, object]]]:
    if name is None:
        return
    if name not in presets:
        raise CocoonError(f"preset {name!r} is not known; there are {', '.join(presets)}")
    yield f"preset {name}", presets[name]


def _sources(
    file: Path | None, options: Sequence[str], flags: Mapping[str, object], environment: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, object]]]:
    if file is not None:
        yield str(file), dict(flat(_read_yaml(file)))
    for name, value in variables_of_settings(environment).items():
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
        yield f"environment {name}", dict(flat({key: _scalar(value)}))
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise CocoonError(f"-o {option!r}: write KEY=VALUE, such as -o user.difficulty=hard")
        yield f"-o {key}", dict(flat({key: _scalar(value)}))
    for key, value in flags.items():
        if value is not None:
            yield f"flag for {key}", {key: value}


def variables_of_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that are settings. Those with a key are not among them."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name not in _NOT_SETTINGS
    }


def _read_yaml(file: Path) -> dict[str, object]:
    value = read_yaml(file)
    if value is not None and not isinstance(value, dict):
        raise CocoonError(f"{file}: must hold keys and values, such as 'rounds: 10'")
    return value or {}


def read_presets(folder: Path) -> dict[str, dict[str, object]]:
    """Return the presets of a folder of YAML files by name, each with its values by dotted key."""
    return {file.stem: dict(flat(_read_yaml(file))) for file in sorted(folder.glob("*.yaml"))}


def _scalar(text: str) -> object:
    try:
        return parse_yaml(text, "-o")
    except CocoonError:
        return text


def _default_list(kind: type[Record], key: str) -> object:
    """Return the default of a list as it would be given: of its records, what they say themselves."""
    value = default_at(kind, key)
    if not isinstance(value, list):
        return value
    return [item.model_dump(exclude_unset=True) if isinstance(item, BaseModel) else item for item in value]


def _origin_of(error: ValidationError, origins: Mapping[str, str]) -> str:
    return _origin_of_key(".".join(str(part) for part in error.errors()[0]["loc"]), origins)


def _origin_of_key(key: str, origins: Mapping[str, str]) -> str:
    for known in sorted(origins, key=len, reverse=True):
        if known == key or known.startswith(f"{key}.") or key.startswith(f"{known}."):
            return origins[known]
    return "configuration"


def refuse_gate_of_prompted(resolved: Resolved[StudyConfig]) -> None:
    """Raise CocoonError where a setting of the trust gate was given, and the user is a prompted one, which has none."""
    if resolved.config.user.kind == "prompted":
        keys = ["user.difficulty", "user.rules", "user.appraiser", "user.appraisal"]
        resolved.refuse(keys, "a prompted user has no trust gate. Leave it out, or take --user-kind guarded.")


def differences(stored: RunConfig, now: RunConfig, free: Sequence[str] | None = None) -> list[str]:
    """Return the keys in which two configurations of one kind would make different things.

    A number or a word is shown with both values, as in `rounds: 10, now 12`. `free` are the keys that may differ, those
    of the kind unless given.
    """
    before, after = stored.model_dump(mode="json"), now.model_dump(mode="json")
    free = stored.free_keys if free is None else free
    changed = [key for key in before if key not in free and before[key] != after[key]]
    return [
        f"{key}: {before[key]}, now {after[key]}" if _is_short(before[key]) and _is_short(after[key]) else key
        for key in changed
    ]


def _is_short(value: object) -> bool:
    return isinstance(value, int | float | str) and len(str(value)) <= 40


def to_yaml(config: Record) -> str:
    """Return the configuration as YAML."""
    return yaml.safe_dump(config.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
