"""`script`, `build_profiles`, `judge_profiles`, `translate_profiles`: data by models, kept or dropped with a reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cocoon.api.blocking import blocking
from cocoon.api.reporter import Reporter, shard_step
from cocoon.api.settings import Profiles, out_folder, profile_files, takes, with_own
from cocoon.api.shards.workers import run_divided
from cocoon.core.config import Resolved, RunConfig
from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue, Dropped, Language, Profile
from cocoon.core.verb_settings import Given, Options
from cocoon.models.by_name import Models
from cocoon.running.building.config import (
    BUILD_PROFILES,
    JUDGE_PROFILES,
    SCRIPT,
    TRANSLATE_PROFILES,
    ProfileBuildConfig,
    ProfileJudgeConfig,
    ScriptConfig,
    TranslationConfig,
)
from cocoon.running.building.estimate import estimate_profiles, estimate_readings, estimate_scripts
from cocoon.running.building.generation import Generated, Generator, Item, generate, reasons_of
from cocoon.running.building.profiles import ProfileGenerator
from cocoon.running.building.scripts import AELS, ScriptGenerator
from cocoon.running.building.sense import ProfileReader
from cocoon.running.building.translations import TranslationGenerator
from cocoon.running.folder import DROPPED, read_run
from cocoon.running.frame import Outcome, forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.reading.former import began_without
from cocoon.running.reading.scales import scales_of
from cocoon.running.shards.shard import part_size
from cocoon.running.study import OwnObjects, open_models, profiles_of

RunT = TypeVar("RunT", bound=RunConfig)


@dataclass
class Built:
    """A folder of built data, and how its last session went."""

    path: Path
    outcome: Generated
    models: Models
    kept: str

    @property
    def profiles(self) -> list[Profile]:
        """The profiles that were kept."""
        return list(read_records(self.path / self.kept, Profile))

    @property
    def dialogues(self) -> list[Dialogue]:
        """The dialogues that were kept."""
        return list(read_records(self.path / self.kept, Dialogue))

    @property
    def dropped(self) -> list[Dropped]:
        """What was made and not kept, with the reason."""
        return list(read_run(self.path, "dropped.jsonl", Dropped))

    def summary(self) -> dict[str, Any]:
        """Return how the last session went: kept, dropped, failed, calls, tokens, what stopped it."""
        outcome, ledger = self.outcome, self.models.ledger
        return {
            "out": str(self.path),
            "kept": outcome.kept,
            "dropped": dict(outcome.reasons),
            "notes": outcome.notes,
            "failed": outcome.failures,
            "calls": outcome.progress.calls,
            "replayed": outcome.progress.replayed,
            "tokens_in": ledger.tokens_in,
            "tokens_cached": ledger.tokens_cached,
            "tokens_out": ledger.tokens_out,
            "cost": None if ledger.cost is None else round(ledger.cost, 4),
            "stopped": str(outcome.stopped_by) if outcome.stopped_by else None,
        }


@dataclass
class Building:
    """Data that is ready to be built. No model is opened yet."""

    out: Path
    generator: Generator
    items: Sequence[Item]
    config: RunConfig
    models: Models
    next_step: str
    expected: Mapping[str, Any]

    async def build(self, progress: bool | Reporter) -> Built:
        """Build what is not there yet."""
        reporter = Reporter.of(progress)
        for spec in {spec for specs in self.generator.roles().values() for spec in specs}:
            self.models.open(spec)
        reporter.unnamed(self.config)
        reporter.hosts(self.models)
        outcome = await generate(self.generator, self.items, self.config, self.models, self.out, reporter.watch())
        step = self.next_step if self.config.shard is None else shard_step(self.config.shard)
        reporter.built(outcome, self.out, self.generator.kept, step)
        return Built(self.out, outcome, self.models, self.generator.kept)


def ready(out: str | Path, given: Given[RunT], allow_cloud_tracing: bool) -> tuple[Path, Resolved[RunT], Models]:
    """Return the folder, the settings and the models of data that is to be built. No model is opened yet."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    folder = out_folder(out)
    resolved = with_own(given, OwnObjects(), folder).resolve()
    return folder, resolved, open_models(resolved.config, local_parts())


def prepare_script(out: str | Path, given: Given[ScriptConfig], *, allow_cloud_tracing: bool = False) -> Building:
    """Return scripts that are ready to be written. See `script`."""
    out, resolved, models = ready(out, given, allow_cloud_tracing)
    config = _as_it_began(resolved, out, "screen_pieces")
    _refuse_idle_filter(resolved)
    chosen = profiles_of(profile_files(config.profiles, out), config.limit, config.language)
    generator = ScriptGenerator(config, models, chosen, scales_of([out])[AELS])
    next_step = f"cocoon judge {out} --judge SPEC"
    expected = estimate_scripts(config, part_size(config.shard, len(chosen)))
    return Building(out, generator, generator.items(), config, models, next_step, expected)


def _as_it_began(resolved: Resolved[RunT], out: Path, key: str) -> RunT:
    """Return the settings without one that the run in a folder began without, unless it is given."""
    old = key not in resolved.origins and began_without(out, key)
    return resolved.config.model_copy(update={key: False}) if old else resolved.config


def _refuse_idle_filter(resolved: Resolved[ScriptConfig]) -> None:
    for threshold, key in (("mean", "aels_mean"), ("share", "aels_share")):
        if resolved.config.threshold != threshold:
            resolved.refuse([key], f"the threshold is {resolved.config.threshold!r}. Leave this out.")


def prepare_profiles(
    out: str | Path, given: Given[ProfileBuildConfig], *, allow_cloud_tracing: bool = False
) -> Building:
    """Return profiles that are ready to be built. See `build_profiles`."""
    out, resolved, models = ready(out, given, allow_cloud_tracing)
    config = _as_it_began(resolved, out, "sense")
    generator = ProfileGenerator(config, models)
    items = generator.items()
    next_step = f"cocoon simulate --profiles {out}/profiles.jsonl --out runs/NAME"
    expected = estimate_profiles(config, part_size(config.shard, len(items)))
    return Building(out, generator, items, config, models, next_step, expected)


def prepare_reading(
    out: str | Path, given: Given[ProfileJudgeConfig], *, allow_cloud_tracing: bool = False
) -> Building:
    """Return profiles that are ready to be read for sense. See `judge_profiles`."""
    out, resolved, models = ready(out, given, allow_cloud_tracing)
    config = resolved.config
    chosen = profiles_of(profile_files(config.profiles, out), config.limit, config.language)
    generator = ProfileReader(config, models, chosen)
    items = generator.items()
    next_step = f"cocoon simulate --profiles {out}/profiles.jsonl --out runs/NAME"
    return Building(out, generator, items, config, models, next_step, estimate_readings(config, len(items)))


def prepare_translation(
    out: str | Path, given: Given[TranslationConfig], *, allow_cloud_tracing: bool = False
) -> Building:
    """Return translations that are ready to be made. See `translate_profiles`."""
    out, resolved, models = ready(out, given, allow_cloud_tracing)
    config = resolved.config
    chosen = profiles_of(profile_files(config.profiles, out), config.limit, None)
    generator = TranslationGenerator(config, models, chosen)
    return Building(out, generator, generator.items(), config, models, f"read {out}/profiles.jsonl", {})


async def build_as(
    prepare: Callable[..., Building],
    out: str | Path,
    given: Given[RunT],
    *,
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
) -> Built:
    """Build what a function prepares, as a verb was given it: all of it, a shard, or shard after shard."""
    reporter, folder = Reporter.of(progress), out_folder(out)

    async def make(path: Path, settings: Given[RunT], reporter: Reporter) -> Built:
        return await prepare(path, settings, allow_cloud_tracing=allow_cloud_tracing).build(reporter)

    def merged(outcome: Outcome) -> Built:
        building = prepare(folder, given, allow_cloud_tracing=allow_cloud_tracing)
        kept = building.generator.kept
        dropped = list(read_run(folder, DROPPED, Dropped))
        generated = Generated(
            **vars(outcome),
            kept=sum(1 for _ in read_run(folder, kept, building.generator.kind)),
            reasons=reasons_of(dropped),
        )
        return Built(folder, generated, building.models, kept)

    return await run_divided(folder, given, make, lambda built: built.outcome, merged, reporter)


@takes(SCRIPT)
async def script_async(
    *,
    out: str | Path,
    profiles: Profiles | None = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> Built:
    """Write dialogues as scripts, and return what was kept and dropped.

    `threshold` is `share`, `mean`, or a number from 1 to 7. The same call again goes on where it stopped.
    """
    given = Given(SCRIPT, settings | {"profiles": profiles}, config, None, options)
    return await build_as(prepare_script, out, given, allow_cloud_tracing=allow_cloud_tracing, progress=progress)


@takes(BUILD_PROFILES)
async def build_profiles_async(
    *,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> Built:
    """Build profiles from scenarios and emotions, and return what was kept and dropped.

    The same call again goes on where it stopped.
    """
    given = Given(BUILD_PROFILES, settings, config, None, options)
    return await build_as(prepare_profiles, out, given, allow_cloud_tracing=allow_cloud_tracing, progress=progress)


@takes(JUDGE_PROFILES)
async def judge_profiles_async(
    *,
    profiles: Profiles,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> Built:
    """Have a judge read profiles for sense, and return them with its levels, and those that were dropped.

    `judge` is its spec. The figures are among the notes of `Built.summary()`.
    """
    given = Given(JUDGE_PROFILES, settings | {"profiles": profiles}, config, None, options)
    return await prepare_reading(out, given, allow_cloud_tracing=allow_cloud_tracing).build(progress)


@takes(TRANSLATE_PROFILES)
async def translate_profiles_async(
    *,
    profiles: Profiles,
    to: Language,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> Built:
    """Translate profiles, and return what was kept and dropped. See `cocoon profiles translate`."""
    given = Given(TRANSLATE_PROFILES, settings | {"profiles": profiles, "to": to}, config, None, options)
    return await prepare_translation(out, given, allow_cloud_tracing=allow_cloud_tracing).build(progress)


script = blocking(script_async)
build_profiles = blocking(build_profiles_async)
judge_profiles = blocking(judge_profiles_async)
translate_profiles = blocking(translate_profiles_async)
