"""Which settings a verb takes, and what it was given of them: by keyword, by a YAML file, a preset, and `-o`.

The command line and the functions of `cocoon` build the same `Given`, so that a setting means the same in both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from cocoon.core.config import EMBEDDED, HERE, Resolved, RunConfig, StudyConfig, resolve_as
from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import split_name
from cocoon.core.records import Record
from cocoon.core.settings import Setting, settings_of, unknown_setting

ConfigT = TypeVar("ConfigT", bound=Record)
Options = Sequence[str] | Mapping[str, object]
"""Further settings by their dotted key: `{"user.difficulty": "hard"}`, or as `-o` takes them."""
Presets = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class VerbSettings(Generic[ConfigT]):
    """The settings of a verb: its configuration, or the part under `keys` of one that several verbs share.

    `without` are keys that the verb has no use for. A setting that it has no use for is refused, except in a YAML file
    or the environment, which several verbs may share. `unnamed` are keys without a keyword or a flag of their own.
    """

    verb: str
    kind: type[ConfigT]
    keys: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Setting]:
        """Return the verb's settings by keyword."""
        settings = settings_of(self.kind).items()
        return {name: one for name, one in settings if self.uses(one.key) and one.key not in self.unnamed}

    def uses(self, key: str) -> bool:
        """Whether the verb has a use for a dotted key, or for some key below it."""
        general = ".".join("*" if part.isdigit() else part for part in key.split("."))
        used = not self.keys or any(_below(general, name) or _below(name, general) for name in self.keys)
        return used and not any(_below(general, name) for name in self.without)

    def by_key(self, keywords: Mapping[str, object]) -> dict[str, object]:
        """Return the values of keywords by their dotted key. Raises CocoonError for an unknown one."""
        settings = self.settings
        for name in keywords:
            if name not in settings:
                raise unknown_setting(name, settings)
        given = {name: value for name, value in keywords.items() if value is not None}
        return {settings[name].key: _as_given(settings[name], value) for name, value in given.items()}

    def refuse_unused(self, keys: Sequence[str]) -> None:
        """Raise CocoonError for a dotted key that the verb has no use for."""
        for key in keys:
            if key.partition(".")[0] in self.kind.model_fields and not self.uses(key):
                raise CocoonError(f"-o {key}: `cocoon {self.verb}` has no use for it. Leave it out.")


@dataclass(frozen=True)
class Given(Generic[ConfigT]):
    """What a verb was given: values by keyword, and where else settings come from."""

    verb: VerbSettings[ConfigT]
    keywords: Mapping[str, object] = field(default_factory=dict)
    config: Path | str | None = None
    preset: str | None = None
    options: Options = ()

    def and_also(self, **keywords: object) -> "Given[ConfigT]":
        """Return the same with some values in place of those given. None takes a value away."""
        return replace(self, keywords={**self.keywords, **keywords})

    def resolve(self, presets: Presets | None = None) -> Resolved[ConfigT]:
        """Return the configuration. Raises CocoonError naming source, key and the nearest known key."""
        # A mapping holds values as they are. Those of `-o` are read as YAML.
        mapped = dict(self.options) if isinstance(self.options, Mapping) else {}
        listed = [] if isinstance(self.options, Mapping) else list(self.options)
        self.verb.refuse_unused([*mapped, *(option.partition("=")[0] for option in listed)])
        path = Path(self.config) if self.config is not None else None
        flags = {**mapped, **self.verb.by_key(self.keywords)}
        resolved = resolve_as(self.verb.kind, path, listed, flags, preset=self.preset, presets=presets)
        _refuse_division(self.verb, resolved.config)
        return resolved


def _refuse_division(verb: VerbSettings[ConfigT], config: ConfigT) -> None:
    if not isinstance(config, RunConfig):
        return
    for key, is_set in (("shard", config.shard is not None), ("engine", config.engine != HERE)):
        if is_set and not verb.uses(key):
            raise CocoonError(f"`cocoon {verb.verb}` is not divided into shards. Leave {key} out of its settings.")


def _below(key: str, above: str) -> bool:
    return key == above or key.startswith(f"{above}.")


def _as_given(setting: Setting, value: object) -> object:
    """Return a value in the shape that its field has. A single one stands for a list of one."""
    if not setting.many:
        return value
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if setting.commas else [value]
    elif isinstance(value, Path):
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    if setting.nested:
        return [_named(item) if isinstance(item, str) else item for item in value]
    return [str(item) if isinstance(item, Path) else item for item in value]


def _named(text: str) -> dict[str, str]:
    name, spec = split_name(text)
    return {"name": name, "model": spec} if name else {"model": spec}


_BATCH = ("batch", "batch_every")
UNDIVIDED = ("shard", "lease", "engine", "replicas")
"""Keys that a verb has no use for whose work is not divided among processes."""
SIMULATE = VerbSettings("simulate", StudyConfig, without=_BATCH)
JUDGE = VerbSettings(
    "judge",
    StudyConfig,
    (
        *("judge", "scale_files", "concurrency", "timeout", "patience", "budget", "prices", "seed", "prompts"),
        *(*_BATCH, *UNDIVIDED),
    ),
)
CHAT = VerbSettings(
    "chat", StudyConfig, ("user", "supporters", "timeout", "patience", "budget", "prices", "seed", "prompts")
)
# People and the user's kind are those of the run that is branched.
BRANCH = VerbSettings(
    "branch", StudyConfig, without=("profiles", "limit", "language", "user.kind", "form_pairs", *_BATCH)
)
ABLATE = VerbSettings(
    "ablate",
    StudyConfig,
    without=("judge.scales", "judge.permute", "judge.show_need", "scale_files", *_BATCH, *UNDIVIDED),
)
# The arms are the supporters, and every kind of user talks.
SWEEP = VerbSettings(
    "steer sweep",
    StudyConfig,
    without=("supporters.*.name", "supporters.*.model", "supporters.*.prompt", "user.kind", *_BATCH),
    unnamed=("supporters",),
)
# Users and judges are several, and are declared in `studies/panel/config.py`. A file may name one of each.
PANEL = VerbSettings(
    "panel",
    StudyConfig,
    without=(*_BATCH, *UNDIVIDED),
    unnamed=("user.model", "user.kind", "user.rules", "judge.model"),
)

FLAGS_OF_ROLES = {"user": "--user SPEC", "supporters": "--supporter SPEC", "writer": "--writer SPEC"}
"""The roles that the embedded model plays where nobody is named, and how somebody is named."""


def unnamed_note(config: RunConfig, *, but: str = "") -> str | None:
    """Return a line on the roles that fall to the embedded model because nobody named theirs, or None.

    `but` is a role whose model is named elsewhere.
    """
    roles = [role for role in FLAGS_OF_ROLES if role != but and any(_unnamed(config, role))]
    if not roles:
        return None
    names = " and ".join(role.removesuffix("s") for role in roles)
    flags = " ".join(FLAGS_OF_ROLES[role] for role in roles)
    return (
        f"No model is named for the {names}: the embedded SmolLM2-135M is taken, which shows the machinery and not "
        f"the science. Name one: {flags}"
    )


def _unnamed(config: RunConfig, role: str) -> Iterator[bool]:
    value = getattr(config, role, None)
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, BaseModel):
            yield "model" not in part.model_fields_set and getattr(part, "model", None) == EMBEDDED
