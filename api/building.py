"""`script`, `build_profiles` and `translate_profiles`: data written by models, kept or dropped with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.api.reporter import Reporter
from cocoon.api.running import blocking
from cocoon.api.settings import Options, Profiles, Sources, flags_of, profile_files
from cocoon.core.config import RunConfig
from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue, Dropped, Language, Profile
from cocoon.models.by_name import Models
from cocoon.running.building.config import ProfileBuildConfig, ScriptConfig, TranslationConfig
from cocoon.running.building.estimate import estimate_profiles, estimate_scripts
from cocoon.running.building.generation import Generated, Generator, Item, generate
from cocoon.running.building.profiles import ProfileGenerator
from cocoon.running.building.scripts import ScriptGenerator
from cocoon.running.building.translations import TranslationGenerator
from cocoon.running.folder import read_run
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.study import open_models, profiles_of

KEYWORDS = {
    "limit": "limit",
    "seed": "seed",
    "language": "language",
    "languages": "languages",
    "writer": "writer.model",
    "rater": "rater.model",
    "rewrite": "rewrite",
    "taxonomy": "taxonomy",
    "concurrency": "concurrency",
    "timeout": "timeout",
    "budget_calls": "budget.calls",
    "budget_tokens": "budget.tokens",
    "budget_money": "budget.money",
    "prompts": "prompts",
    "to": "to",
}


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
        outcome, budget = self.outcome, self.models.budget
        return {
            "out": str(self.path),
            "kept": outcome.kept,
            "dropped": dict(outcome.reasons),
            "notes": outcome.notes,
            "failed": outcome.failures,
            "calls": outcome.progress.calls,
            "replayed": outcome.progress.replayed,
            "tokens_in": budget.tokens_in,
            "tokens_out": budget.tokens_out,
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
        reporter.hosts(self.models)
        outcome = await generate(self.generator, self.items, self.config, self.models, self.out, reporter.watch())
        reporter.built(outcome, self.out, self.generator.kept, self.next_step)
        return Built(self.out, outcome, self.models, self.generator.kept)


def prepare_script(
    *,
    out: str | Path,
    profiles: Profiles | None = None,
    threshold: str | float | None = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    **settings: Any,
) -> Building:
    """Return scripts that are ready to be written. See `script`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    out = Path(out)
    flags = flags_of(settings, KEYWORDS) | _threshold(threshold)
    if profiles is not None:
        flags["profiles"] = profile_files(profiles, out)
    resolved = Sources(config, None, options).resolve(ScriptConfig, flags)
    chosen = profiles_of(profile_files(resolved.profiles, out), resolved.limit, resolved.language)
    models = open_models(resolved, local_parts())
    generator = ScriptGenerator(resolved, models, chosen)
    next_step = f"cocoon judge {out} --judge SPEC"
    expected = estimate_scripts(resolved, len(chosen))
    return Building(out, generator, generator.items(), resolved, models, next_step, expected)


def prepare_profiles(
    *,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    **settings: Any,
) -> Building:
    """Return profiles that are ready to be built. See `build_profiles`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    out = Path(out)
    resolved = Sources(config, None, options).resolve(ProfileBuildConfig, flags_of(settings, KEYWORDS))
    models = open_models(resolved, local_parts())
    generator = ProfileGenerator(resolved, models)
    items = generator.items()
    next_step = f"cocoon simulate --profiles {out}/profiles.jsonl --out runs/NAME"
    return Building(out, generator, items, resolved, models, next_step, estimate_profiles(resolved, len(items)))


def prepare_translation(
    *,
    profiles: Profiles,
    to: Language,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    **settings: Any,
) -> Building:
    """Return translations that are ready to be made. See `translate_profiles`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    out = Path(out)
    flags = flags_of(settings | {"to": to}, KEYWORDS) | {"profiles": profile_files(profiles, out)}
    resolved = Sources(config, None, options).resolve(TranslationConfig, flags)
    models = open_models(resolved, local_parts())
    generator = TranslationGenerator(resolved, models, profiles_of(resolved.profiles, resolved.limit, None))
    return Building(out, generator, generator.items(), resolved, models, f"read {out}/profiles.jsonl", {})


async def script_async(*, progress: bool | Reporter = True, **settings: Any) -> Built:
    """Write dialogues as scripts, and return what was kept and dropped.

    `out`, `profiles`, `writer`, `rater` and the other settings have the names of the flags of `cocoon script`.
    `threshold` is `share`, `mean`, or a number from 1 to 7. The same call again goes on where it stopped.
    """
    return await prepare_script(**settings).build(progress)


async def build_profiles_async(*, progress: bool | Reporter = True, **settings: Any) -> Built:
    """Build profiles from scenarios and emotions, and return what was kept and dropped.

    `out`, `limit`, `languages`, `writer`, `rater`, `taxonomy` and the other settings have the names of the flags of
    `cocoon profiles build`. The same call again goes on where it stopped.
    """
    return await prepare_profiles(**settings).build(progress)


async def translate_profiles_async(*, progress: bool | Reporter = True, **settings: Any) -> Built:
    """Translate profiles, and return what was kept and dropped. See `cocoon profiles translate`."""
    return await prepare_translation(**settings).build(progress)


def _threshold(value: str | float | None) -> dict[str, Any]:
    if value is None or value in ("share", "mean"):
        return {"threshold": value}
    return {"threshold": "mean", "aels_mean": float(value)}


script = blocking(script_async)
build_profiles = blocking(build_profiles_async)
translate_profiles = blocking(translate_profiles_async)
