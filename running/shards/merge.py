"""`merge`: shards put together into the folder that one process would have made, equal but for times.

The folder is made beside its place and moved there at the end, the manifest last. A merge that was killed is begun
anew.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.core.config import RunConfig, StudyConfig, to_yaml
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines, write_whole
from cocoon.core.outside.locks import lock_folder
from cocoon.core.progress import working
from cocoon.core.records import Failure
from cocoon.models.by_name import Models
from cocoon.models.journal.merging import merge_journals
from cocoon.running.building.config import ProfileBuildConfig, ScriptConfig
from cocoon.running.building.generation import Generator, decide
from cocoon.running.building.profiles import ProfileGenerator
from cocoon.running.building.scripts import ScriptGenerator
from cocoon.running.folder import BATCHES, JOURNAL, RunFolder, read_run
from cocoon.running.integrity.verify import nobody_at_work
from cocoon.running.manifest import RunManifest, write_manifest
from cocoon.running.reading.scales import kept_files
from cocoon.running.shards.agreement import FILES, ShardFolder, read_shards, refuse_uneven_ratings

_BEGUN = ".merging"
_ALIKE = ("sample.json", "branches.json", "profiles.jsonl")
"""Files that every shard has as the whole run would have them."""


@dataclass
class Merged:
    """A merged folder: the number of items of the run, of what is in it, and what failed.

    `notes` are to be told of all records that were decided on together, and of shards from different machines.
    """

    path: Path
    shards: int
    items: int
    kept: int = 0
    dropped: int = 0
    failures: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0, or 1 where something failed or nothing was kept, as for a run in one process."""
        return 0 if self.kept and not self.failures else 1


def merge_shards(paths: Sequence[Path], out: Path) -> Merged:
    """Write the run that one process would have made, and return what it holds. No model is asked.

    Raises CocoonError for shards that are not all of one run, not ended, or made differently, and where `out` holds a
    run.
    """
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(nobody_at_work(path))
        shards = read_shards(paths)
        refuse_uneven_ratings(shards)
        begun = stack.enter_context(_begun_in(out))
        stack.enter_context(working(f"merging {len(shards)} shards into {out}"))
        merged = _write(shards, begun, out)
        _move(begun, out)
    return merged


@contextmanager
def _begun_in(out: Path) -> Iterator[Path]:
    """Yield an empty folder inside `out`, which no other merge uses. Raises CocoonError where `out` holds a run."""
    begun = out / _BEGUN
    there = [name for name in ("manifest.json", JOURNAL, *FILES["simulate"]) if (out / name).exists()]
    if there and not begun.exists():
        raise CocoonError(f"{out} holds a run already ({there[0]}). Name another --out.")
    lock = lock_folder(out)
    try:
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir()
        yield begun
    finally:
        os.close(lock)


def _write(shards: Sequence[ShardFolder], begun: Path, out: Path) -> Merged:
    first, files = shards[0], FILES[shards[0].verb]
    positions = {name: position for shard in shards for name, position in shard.plan.positions.items()}
    order = sorted(positions, key=positions.__getitem__)
    for name in (*files, "trace.jsonl"):
        _join([shard.path / name for shard in shards], begun / name)
    merge_journals([shard.path / JOURNAL for shard in shards], begun / JOURNAL)
    folder = RunFolder(begun, files)
    try:
        folder.failures = [failure for shard in shards for failure in read_run(shard.path, "failures.jsonl", Failure)]
        folder.settle(order)
        merged = Merged(out, len(shards), len(order), failures=len(folder.failures), notes=_different_machines(shards))
        if first.plan.undecided and first.config is not None:
            _, dropped, notes = decide(_generator(first.config), begun, order)
            merged.dropped, merged.notes = len(dropped), [*merged.notes, *notes]
        merged.kept = sum(1 for _ in read_lines(begun / files[0]))
        _copy_what_is_alike(shards, begun, files)
        # What may change between two sessions is as in the last one.
        last = max(shards, key=lambda shard: shard.manifest.sessions[-1].started)
        if last.config is not None:
            write_whole(begun / "config.yaml", [to_yaml(_config(last, last.config, out)).encode()])
        write_manifest(begun, _manifest(shards))
        folder.seal()
    finally:
        folder.close()
    return merged


def _join(sources: Sequence[Path], target: Path) -> None:
    with target.open("wb") as joined:
        for source in sources:
            if source.exists():
                with source.open("rb") as part:
                    shutil.copyfileobj(part, joined)


def _generator(config: RunConfig) -> Generator:
    """Return what decides on the records of all shards. It asks no model."""
    if isinstance(config, ScriptConfig):
        return ScriptGenerator(config, Models(), [])
    if isinstance(config, ProfileBuildConfig):
        return ProfileGenerator(config, Models())
    raise CocoonError(f"`cocoon {config.verb_of()}` decides on nothing with the records of all shards")


def _copy_what_is_alike(shards: Sequence[ShardFolder], begun: Path, files: Sequence[str]) -> None:
    """Copy what all shards have alike, and what only some of them have. Raises CocoonError where two differ."""
    for shard in shards:
        scales, batches = kept_files(shard.path), (shard.path / BATCHES).glob("[!.]*")
        alike = [shard.path / name for name in _ALIKE if name not in files and (shard.path / name).exists()]
        for file in (*alike, *scales, *batches):
            target = begun / file.relative_to(shard.path)
            if target.exists() and target.read_bytes() != file.read_bytes():
                raise CocoonError(f"{file} differs from that of another shard. Merge shards of one run.")
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, target)


def _config(shard: ShardFolder, config: RunConfig, out: Path) -> RunConfig:
    """Return the settings of the run. Profiles that were handed over in Python are those of the merged folder."""
    changes: dict[str, object] = {"shard": None}
    if isinstance(config, StudyConfig | ScriptConfig):
        own = Path(shard.path.name, "profiles.jsonl")
        changes["profiles"] = [
            str(out / own.name) if Path(*Path(file).parts[-2:]) == own else file for file in config.profiles
        ]
    return config.model_copy(update=changes)


def _manifest(shards: Sequence[ShardFolder]) -> RunManifest:
    """Return the manifest of the whole run: that of the first shard, with what the others add."""
    manifests = [shard.manifest for shard in shards]
    merged = manifests[0].model_copy(deep=True)
    for manifest in manifests[1:]:
        merged.models = {
            label: merged.models.get(label, {}) | manifest.models.get(label, {})
            for label in merged.models | manifest.models
        }
        merged.roles = {
            role: list(dict.fromkeys([*merged.roles.get(role, []), *manifest.roles.get(role, [])]))
            for role in merged.roles | manifest.roles
        }
        merged.prompts |= manifest.prompts
        merged.form_invariance = merged.form_invariance or manifest.form_invariance
    merged.hosts = sorted({host for manifest in manifests for host in manifest.hosts})
    sessions = [session for manifest in manifests for session in manifest.sessions]
    merged.sessions = sorted(sessions, key=lambda session: session.started)
    return merged


def _different_machines(shards: Sequence[ShardFolder]) -> list[str]:
    """Return a line for each shard that was made with other versions than the first, whose are in the manifest."""
    first = shards[0]
    versions = {shard.path: {"python": shard.manifest.python, **shard.manifest.packages} for shard in shards}
    notes: list[str] = []
    for shard in shards[1:]:
        before, now = versions[first.path], versions[shard.path]
        changed = [f"{name} {now.get(name)}" for name in sorted(before | now) if before.get(name) != now.get(name)]
        if changed:
            notes.append(f"{shard.path} was made with {', '.join(changed)}; the manifest has what {first.path} had")
    return notes


def _move(begun: Path, out: Path) -> None:
    """Move the finished folder to its place, the manifest last."""
    for entry in sorted(begun.iterdir(), key=lambda entry: entry.name == "manifest.json"):
        target = out / entry.name
        if entry.name == ".lock":
            continue
        if target.is_dir():
            shutil.rmtree(target)
        entry.replace(target)
    shutil.rmtree(begun)
