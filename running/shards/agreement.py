"""Whether folders are the shards of one run: all of them, each once, ended, and made with the same settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.config import RunConfig, StudyConfig, differences
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_objects
from cocoon.core.records import Failure, Rating
from cocoon.running.building.config import ProfileBuildConfig, ScriptConfig
from cocoon.running.folder import DROPPED, JOURNAL, read_config_as, read_run, read_verb
from cocoon.running.manifest import FINISHED, RunManifest, changed_weights, read_manifest
from cocoon.running.shards.shard import ShardPlan, read_shard

KINDS: dict[str, type[RunConfig]] = {kind.verb_of(): kind for kind in (StudyConfig, ScriptConfig, ProfileBuildConfig)}
FILES = {"simulate": ("dialogues.jsonl", "ratings.jsonl"), "script": ("dialogues.jsonl", DROPPED)} | {
    "profiles build": ("profiles.jsonl", DROPPED)
}
"""The files that runs of a verb add records to."""
_OF_THE_MACHINE = (*RunConfig.free_keys, "shard", "profiles")
# Files of profiles are compared by who stands in them.


@dataclass(frozen=True)
class ShardFolder:
    """A shard that has been read. Without `config` its dialogues come from elsewhere, and it only judged them."""

    path: Path
    plan: ShardPlan
    manifest: RunManifest
    config: RunConfig | None

    @property
    def verb(self) -> str:
        """The command that made it."""
        return self.config.verb_of() if self.config else "simulate"


def read_shards(paths: Sequence[Path]) -> list[ShardFolder]:
    """Return the shards of one run in their order.

    Raises CocoonError, in one line, for folders that are no shards, that are not all of one run, or not ended.
    """
    shards = [_read(path) for path in paths]
    if not shards:
        raise CocoonError("no shards are given. Name the folders that were made with --shard I/N.")
    first = shards[0]
    for shard in shards[1:]:
        if shard.plan.count != first.plan.count:
            raise CocoonError(
                f"{shard.path} is one of {shard.plan.count} shards, and {first.path} one of {first.plan.count}. "
                "Merge shards of one number."
            )
    _refuse_twice(shards)
    for shard in shards[1:]:
        _refuse_different(first, shard)
    present = {shard.plan.index for shard in shards}
    missing = [str(index) for index in range(1, first.plan.count + 1) if index not in present]
    if missing:
        names = ", ".join(missing)
        raise CocoonError(f"of {first.plan.count} shards these are missing: {names}. Give their folders too.")
    for shard in shards:
        _refuse_unfinished(shard)
    return sorted(shards, key=lambda shard: shard.plan.index)


def _read(path: Path) -> ShardFolder:
    plan, manifest = read_shard(path), read_manifest(path)
    if plan is None or manifest is None:
        raise CocoonError(f"{path} is no shard of a run. Give folders that were made with --shard I/N.")
    verb = read_verb(path)
    return ShardFolder(path, plan, manifest, None if verb is None else read_config_as(path, KINDS[verb]))


def _refuse_twice(shards: Sequence[ShardFolder]) -> None:
    by_index: dict[int, Path] = {}
    for shard in shards:
        plan, other = shard.plan, by_index.get(shard.plan.index)
        if other is not None:
            raise CocoonError(
                f"{other} and {shard.path} are both shard {plan.index} of {plan.count}. Leave one of them out."
            )
        by_index[plan.index] = shard.path


def _refuse_different(first: ShardFolder, shard: ShardFolder) -> None:
    """Raise CocoonError for what would make other dialogues or other ratings in one shard than in the other."""
    if first.verb != shard.verb or (first.config is None) != (shard.config is None):
        raise CocoonError(f"{shard.path} was made by another command than {first.path}. Merge shards of one run.")
    before, now = first.config, shard.config
    different = differences(before, now, _OF_THE_MACHINE) if before is not None and now is not None else []
    if different:
        raise CocoonError(
            f"{shard.path} was started with different settings than {first.path} ({', '.join(different)}). "
            "Make it again with those of the others."
        )
    if first.plan.run != shard.plan.run:
        raise CocoonError(
            f"{shard.path} was made for other people, supporters or samples than {first.path}. "
            "Give both commands the same files and limits."
        )
    for what, value in _FACTS.items():
        facts, others = value(first.manifest), value(shard.manifest)
        if different := sorted(name for name in facts.keys() | others.keys() if facts.get(name) != others.get(name)):
            raise CocoonError(f"{shard.path} was made with another {what} than {first.path} ({', '.join(different)}).")
    for change in changed_weights(first.manifest.models, shard.manifest.models):
        raise CocoonError(
            f"{shard.path} was made with another {change.part} of {change.label} than {first.path} "
            f"({change.now[:12]} and {change.before[:12]})."
        )


def _agents(manifest: RunManifest) -> dict[str, Any]:
    return {f"{role} {facts.name}": facts.model_dump() for role, agents in manifest.agents.items() for facts in agents}


_FACTS: dict[str, Callable[[RunManifest], dict[str, Any]]] = {
    "release of cocoon": lambda manifest: {manifest.cocoon: True},
    "agent": _agents,
    "text of a prompt": lambda manifest: manifest.prompts,
}


def _refuse_unfinished(shard: ShardFolder) -> None:
    sessions = shard.manifest.sessions
    if not sessions or sessions[-1].outcome != FINISHED or not (shard.path / JOURNAL).exists():
        raise CocoonError(f"{shard.path} has not come to its end. Give its command again, then merge.")
    names = (name for file in FILES[shard.verb] for name in _ids(shard.path / file))
    there = {*names, *(failure.dialogue for failure in read_run(shard.path, "failures.jsonl", Failure))}
    lacking = sorted(shard.plan.positions.keys() - there)
    if lacking:
        raise CocoonError(
            f"{shard.path} lacks {len(lacking)} of its {len(shard.plan.positions)} items, such as {lacking[0]!r}. "
            "Give its command again, then merge."
        )
    foreign = sorted(there - shard.plan.positions.keys())
    if foreign:
        raise CocoonError(
            f"{shard.path} holds {foreign[0]!r}, which is not of its shard. Give it the limits of the other shards."
        )


def _ids(file: Path) -> list[str]:
    """Return the ids of a file of records, and nothing for a file of ratings, which have none."""
    if not file.exists() or file.name == "ratings.jsonl":
        return []
    return [line["id"] for _, line in read_objects(file, "id")]


def refuse_uneven_ratings(shards: Sequence[ShardFolder]) -> None:
    """Raise CocoonError where a shard was rated on something that another was not rated on, and did not fail to be."""
    rated = {shard.path: _ratings_of(shard.path) for shard in shards}
    union = set[tuple[str, str, int]]().union(*rated.values())
    for shard in shards:
        failed = any(failure.stage == "assessment" for failure in read_run(shard.path, "failures.jsonl", Failure))
        if (lacking := sorted(union - rated[shard.path])) and not failed:
            judge, scale, vote = lacking[0]
            raise CocoonError(
                f"{shard.path} has no rating of {scale!r} by {judge} (vote {vote}), which other shards have. "
                "Judge every shard alike, or none before they are merged."
            )


def _ratings_of(path: Path) -> set[tuple[str, str, int]]:
    return {(rating.judge, rating.scale, rating.vote) for rating in read_run(path, "ratings.jsonl", Rating)}
