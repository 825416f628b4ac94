"""From settings to what a run needs: models, supporters, the simulated user, judges, tasks."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, get_args

from langchain_core.language_models import BaseChatModel

from cocoon.agents.adapters import as_judge, as_supporter, as_user, made_by
from cocoon.agents.judges.judges import JudgeSettings, open_judges
from cocoon.agents.judges.value import SLOT
from cocoon.agents.protocols import Judge, SimulatedUser, Supporter
from cocoon.agents.supporters.supporter import PromptedSupporter
from cocoon.agents.users.appraiser import Appraiser, ModelAppraiser, RuleAppraiser
from cocoon.agents.users.guarded import GuardedUser
from cocoon.agents.users.prompted import PromptedUser
from cocoon.agents.users.trust import TrustGate
from cocoon.core.config import JudgeConfig, RunConfig, StudyConfig, SupporterConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.core.model_spec import short_name
from cocoon.core.outside.python_code import PREFIX, load_object, source_of
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Language, Profile, Record, SourceFile
from cocoon.core.sampling import SamplingConfig
from cocoon.evaluation.scales.files import load_scales
from cocoon.evaluation.scales.records import Scale
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.graphs.forks import Fork
from cocoon.models.by_name import Model, Models, host_of_chat
from cocoon.models.calls import Settings
from cocoon.models.ledger import Ledger
from cocoon.models.local.control import Parts
from cocoon.running.runner import Task
from cocoon.running.shards.shard import Shard

_SAMPLING = tuple(SamplingConfig.model_fields)
_USER_SETTINGS = ("kind", "difficulty", "rules", "appraiser", "appraisal", "may_leave", *_SAMPLING)
_JUDGE_SETTINGS = ("scales", "permute", "show_need", *_SAMPLING, "floor")
_PATIENCE_OF_A_PERSON = 30.0
SUCCESS = ("success", PAPER, ATTRIBUTED)


@dataclass(frozen=True)
class OwnObject:
    """What a spec `python:FILE.py:NAME` stands for: an agent, or what makes one."""

    name: str
    value: object
    source: SourceFile


@dataclass
class OwnObjects:
    """Objects of the user's own by their spec: handed over in Python, or loaded from their file at first use."""

    by_spec: dict[str, OwnObject] = field(default_factory=dict)

    def add(self, name: str, value: object) -> str:
        """Take an object under a name, and return the spec that stands for it in the configuration.

        Of two objects of one name, such as a supporter and a user, the second is numbered.
        """
        source = source_of(value)
        first = spec = f"{PREFIX}{source.file}:{name}"
        for number in itertools.count(2):
            if spec not in self.by_spec:
                break
            spec = f"{first}.{number}"
        self.by_spec[spec] = OwnObject(name, made_by(value), source)
        return spec

    def agent(self, spec: str | None) -> OwnObject | None:
        """Return the object of a spec, None for a spec of a model, or for an object that is a chat model."""
        own = self._find(spec)
        return None if own is None or isinstance(own.value, BaseChatModel) else own

    def chat(self, spec: str) -> BaseChatModel | None:
        """Return the chat model that a spec of Python code stands for, None for every other spec."""
        own = self._find(spec)
        return own.value if own is not None and isinstance(own.value, BaseChatModel) else None

    def _find(self, spec: str | None) -> OwnObject | None:
        if spec is None or not spec.startswith(PREFIX):
            return None
        if spec not in self.by_spec:
            value, source = load_object(spec)
            self.by_spec[spec] = OwnObject(spec.rpartition(":")[2], made_by(value), source)
        return self.by_spec[spec]


@dataclass
class Study:
    """A configuration with its models opened on demand. `own` are agents that were handed over in Python.

    `kept` are the files of scales that the run folder keeps. They count before the shipped scales.
    """

    config: StudyConfig
    models: Models
    own: OwnObjects = field(default_factory=OwnObjects)
    languages: tuple[Language, ...] = get_args(Language)
    kept: Sequence[Path] = ()

    def for_run(self, languages: Iterable[Language], kept: Sequence[Path]) -> "Study":
        """Return the study for a run: its languages, so that prompts of no other are asked for, and its own scales."""
        return replace(self, languages=tuple(sorted(set(languages))), kept=kept)

    @property
    def folder(self) -> Path | None:
        """The user's own prompts, where given."""
        return Path(self.config.prompts) if self.config.prompts else None

    def model(self, spec: str) -> Model:
        """Return the model of a spec, opened at its first use."""
        chat = self.own.chat(spec)
        if chat is not None and spec not in self.models.opened:
            return self.models.wrap(spec, chat, host_of_chat(chat))
        return self.models.open(spec)

    def supporters(self) -> list[Supporter]:
        """Return the supporters, each under a name of its own. Raises CocoonError for two of one name."""
        supporters = [self._supporter(config) for config in self.config.supporters]
        names = [supporter.name for supporter in supporters]
        for name in names:
            if names.count(name) > 1:
                raise CocoonError(f"two supporters are named {name!r}; give each a name, as --supporter NAME=SPEC")
        return supporters

    def _supporter(self, config: SupporterConfig) -> Supporter:
        own = self.own.agent(config.model)
        if own is not None:
            refuse_settings(config, ("prompt", *_SAMPLING), "A supporter of your own")
            return as_supporter(own.value, supporter_name(config), own.source)
        settings = Settings.of(config)
        return PromptedSupporter(
            supporter_name(config), self.model(config.model), config.prompt, settings, self.folder, self.languages
        )

    def own_user(self) -> OwnObject | None:
        """Return the simulated user where it is Python code of the user's own."""
        return self.own.agent(self.config.user.model)

    def user(self) -> SimulatedUser:
        """Return the simulated user."""
        config = self.config.user
        own = self.own_user()
        if own is not None:
            refuse_settings(config, _USER_SETTINGS, "A user of your own")
            return as_user(own.value, own.name, own.source)
        settings = Settings.of(config)
        model = self.model(config.model)
        if config.kind == "prompted":
            return PromptedUser(model, settings, config.may_leave, self.folder, self.languages)
        gate = TrustGate(config.difficulty, config.rules)
        return GuardedUser(model, self._appraiser(gate), gate, settings, self.folder, self.languages)

    def _appraiser(self, gate: TrustGate) -> Appraiser:
        config = self.config.user
        if config.appraiser == "rule":
            return RuleAppraiser()
        model = self.model(config.appraiser or config.model)
        settings = Settings.of(config.appraisal)
        return ModelAppraiser(model, settings, self.folder, self.languages, gate.sees_moves)

    def judges(self) -> list[Judge]:
        """Return the judges, and an empty list without a judge's model."""
        config = self.config.judge
        if config.model is None:
            return []
        own = self.own.agent(config.model)
        if own is not None:
            refuse_settings(config, _JUDGE_SETTINGS, "A judge of your own")
            return [as_judge(own.value, own.name, own.source)]
        scales = self.scales()
        _refuse_copies(config, scales)
        settings = Settings.of(config)
        scorers = self._scorers(config.model, scales) if SLOT in config.model else {}
        model = replace(next(iter(scorers.values())), label=config.model) if scorers else self.model(config.model)
        shared = JudgeSettings(
            model, settings, config.floor, self.folder, config.permute, self.languages, config.show_need
        )
        return open_judges(shared, config.scales, scales, scorers)

    def _scorers(self, spec: str, scales: dict[str, Scale]) -> dict[str, Model]:
        """Return a model per dimension.

        Raises CocoonError where something is to be judged that has no one dimension a call.
        """
        undivided = [name for name in self.config.judge.scales if name not in scales or scales[name].ask != "each"]
        if undivided:
            raise CocoonError(
                f"judge {spec!r} is a model per dimension, and {undivided[0]!r} is asked as a whole; name one model "
                "for it, or give --scales esc_rank"
            )
        names = [dimension.id for scale in scales.values() for dimension in scale.dimensions]
        return {name: self.models.open(spec.replace(SLOT, name)) for name in names}

    def scales(self) -> dict[str, Scale]:
        """Return the scales that a run names: a user's own files, then what the run keeps, then the shipped ones.

        Raises CocoonError for an unknown name.
        """
        known = load_scales([*self.kept, *map(Path, self.config.scale_files)])
        names = [name for name in self.config.judge.scales if name not in SUCCESS]
        for name in names:
            if name not in known:
                raise CocoonError(f"scale {name!r} is not known; there are {', '.join([*SUCCESS, *known])}")
        return {name: known[name] for name in names}


def _refuse_copies(config: JudgeConfig, scales: dict[str, Scale]) -> None:
    """Raise CocoonError for votes that would ask the same at temperature 0."""
    if config.votes == 1 or config.temperature is None or config.temperature > 0:
        return
    if not config.permute:
        raise CocoonError(
            "votes at temperature 0 are copies of one; set judge.temperature above 0, judge.permute=true or --votes 1"
        )
    alike = [name for name in config.scales if name in SUCCESS or not _permutable(scales[name])]
    if alike:
        raise CocoonError(
            f"{alike[0]!r} has no items to permute, so its votes at temperature 0 are copies of one; "
            "set judge.temperature above 0 or leave it out of --scales"
        )


def _permutable(scale: Scale) -> bool:
    return scale.ask == "together" and len(scale.items) > 1


def with_trained_prompts(study: Study) -> StudyConfig:
    """Return the configuration in which a trained supporter without a prompt speaks under the prompt of its training.

    The adapter's card has that prompt. The models of the supporters must be open.
    """
    supporters = [
        supporter if study.own.agent(supporter.model) else _as_trained(supporter, study.model(supporter.model).facts)
        for supporter in study.config.supporters
    ]
    return study.config.model_copy(update={"supporters": supporters})


def _as_trained(config: SupporterConfig, facts: Mapping[str, Any]) -> SupporterConfig:
    trained = facts.get("adapter", {}).get("prompt")
    if trained is None or "prompt" in config.model_fields_set:
        return config
    return config.model_copy(update={"prompt": trained})


def refuse_settings(config: Record, names: Sequence[str], whose: str) -> None:
    """Raise CocoonError where a setting was given that an agent of the user's own cannot honour."""
    for name in names:
        if name in config.model_fields_set and getattr(config, name) != type(config).model_fields[name].default:
            raise CocoonError(f"{whose} has no setting {name!r}: its code decides. Leave {name!r} out.")


def supporter_name(config: SupporterConfig) -> str:
    """Return the name a supporter has in tables: its own, or its model's with the prompt where that is not `listen`."""
    if config.name:
        return config.name
    plain = spec_name(config.model)
    return plain if config.prompt == "listen" or config.model.startswith(PREFIX) else f"{plain}-{config.prompt}"


def spec_name(spec: str) -> str:
    """Return a short name for the model or the Python code of a spec, which a folder may have."""
    if spec.startswith(PREFIX):
        return spec.rpartition(":")[2]
    model = spec.partition("#")[2] or spec.partition(":")[2]
    if spec.startswith("local:") and "+" in model:
        model = short_name(model)
    return "".join(character if character.isalnum() or character in "-_" else "-" for character in model).strip("-")


def open_models(config: RunConfig, parts: Parts | None = None, *, live: bool = False) -> Models:
    """Return the models of a run, with its connections, time limit, budget and prices. Nothing is loaded yet.

    A shard has its share of the budget.
    `parts` opens the adapters and controls of local models. With `live` a person waits for the replies, and soon wants
    to know of an endpoint that answers nobody.
    """
    patience = config.patience
    if live and "patience" not in config.model_fields_set:
        patience = min(patience, _PATIENCE_OF_A_PERSON)
    # A session reads its prompts anew, since they may have been edited after an earlier one in this process.
    load_prompt.cache_clear()
    shard = Shard.of(config.shard)
    ledger = Ledger(shard.share_of(config.budget) if shard else config.budget, config.prices)
    return Models(config.concurrency, config.timeout, patience, ledger, parts=parts)


def read_profiles(config: StudyConfig) -> list[Profile]:
    """Return the profiles of a run, in the order of its files. Raises CocoonError for none, or two of one id."""
    return profiles_of(config.profiles, config.limit, config.language)


def profiles_of(files: Sequence[str], limit: int | None, language: Language | None) -> list[Profile]:
    """Return the profiles of some files, or the first `limit`, which are taken from each file in turn.

    Raises CocoonError for none, for two of one id, or for one without feeling.
    """
    if not files:
        raise CocoonError("no profiles: give --profiles FILE (a JSONL file of profiles; see examples/profiles)")
    by_file = [
        (profile for profile in read_records(Path(name), Profile) if language in (None, profile.language))
        for name in files
    ]
    profiles = list(chain(*by_file) if limit is None else islice(_in_turn(by_file), limit))
    if not profiles:
        raise CocoonError(f"{', '.join(files)}: no profile{f' in language {language!r}' if language else ''} in it")
    _refuse_twins(profiles)
    bare = next((profile for profile in profiles if not profile.feeling.strip()), None)
    if bare is not None:
        raise CocoonError(f"profile {bare.id!r} states no feeling, so nobody can play it; leave it out")
    return profiles


def _in_turn(sources: Iterable[Iterator[Profile]]) -> Iterator[Profile]:
    for round_of_profiles in zip_longest(*sources):
        yield from (profile for profile in round_of_profiles if profile is not None)


def _refuse_twins(profiles: Iterable[Profile]) -> None:
    seen: set[str] = set()
    for profile in profiles:
        if profile.id in seen:
            raise CocoonError(f"two profiles have the id {profile.id!r}; ids must differ")
        seen.add(profile.id)


def branch_tasks(forks: Iterable[Fork], supporters: Sequence[Supporter], samples: int) -> list[Task]:
    """Return every branch: each fork goes on with every supporter, or its only one, so many times."""
    return [
        Task(fork.parent.profile, supporter, sample, fork)
        for fork in forks
        for supporter in supporters
        if fork.only in (None, supporter.name)
        for sample in range(samples if fork.samples is None else fork.samples)
    ]


def tasks(profiles: Iterable[Profile], supporters: Iterable[Supporter], samples: int) -> list[Task]:
    """Return every dialogue of a run, by profile, so that supporters meet the same profiles at about the same time."""
    supporters = list(supporters)
    return [
        Task(profile, supporter, sample)
        for profile in profiles
        for supporter in supporters
        for sample in range(samples)
    ]
