"""The manifest: what exactly a run was made with, so that its numbers can be made again."""

import platform
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import Field

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_json_record, write_whole
from cocoon.core.records import AgentFacts, Record
from cocoon.models.by_name import Model
from cocoon.models.local.embedded import EMBEDDED

_PACKAGES = (
    "langgraph",
    "langchain-core",
    "langchain-openai",
    "pydantic",
    "numpy",
    "torch",
    "transformers",
    "llguidance",
)


FINISHED = "finished"
"""The outcome of a session in which everything was tried to the end."""


class Session(Record):
    """One process that worked on the run. Times are in seconds since 1970, and `ended` is None if it was killed.

    `paid_again` counts calls that had an answer already, which the journal had lost.
    """

    started: float
    ended: float | None = None
    outcome: str = ""
    paid_again: int = 0


class RunManifest(Record):
    """Models, endpoints (no secrets), prompts, versions, seed. `schema_version` is that of the run folder.

    `agents` maps a role (supporter, user, judge) to what its agents say of themselves, `roles` what a model does
    (supporter, user, appraiser, judge) to the labels of the models that do it. `recorded` says of a demonstration that
    its lines were written by hand, and is None for every run of agents.
    """

    schema_version: int = 1
    cocoon: str
    python: str = Field(default_factory=platform.python_version)
    packages: dict[str, str] = Field(default_factory=dict)
    git_revision: str | None = None
    recorded: str | None = None
    seed: int = 0
    models: dict[str, dict[str, Any]] = {}
    roles: dict[str, list[str]] = {}
    agents: dict[str, list[AgentFacts]] = {}
    hosts: list[str] = []
    prompts: dict[str, str] = {}
    form_invariance: dict[str, Any] | None = None
    sessions: list[Session] = []


def new_manifest(version: str, seed: int) -> RunManifest:
    """Return a manifest of this machine's versions, with nothing run yet."""
    return RunManifest(cocoon=version, packages=_versions(), git_revision=_revision(), seed=seed)


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _revision() -> str | None:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def read_manifest(folder: Path) -> RunManifest | None:
    """Return the manifest of a run folder, or None."""
    return read_json_record(folder / "manifest.json", RunManifest, "fix it, or use another --out")


def write_manifest(folder: Path, manifest: RunManifest) -> None:
    """Write the manifest, whole."""
    text = orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
    write_whole(folder / "manifest.json", [text, b"\n"])


# What names a local model's exact weights among its facts: (part, key).
_WEIGHTS = ((None, "revision"), ("adapter", "adapter"), ("steer", "direction"))


def note_models(manifest: RunManifest, opened: dict[str, dict[str, Any]]) -> None:
    """Put the facts of the opened models, by their labels, into the manifest.

    Raises CocoonError where weights, an adapter or a direction have changed under a label that the run has used.
    """
    for change in changed_weights(manifest.models, opened):
        raise CocoonError(
            f"{change.label}: its {change.part} is another file than the run was made with "
            f"({change.before[:12]}, now {change.now[:12]}); put that one back, or use another --out"
        )
    manifest.models |= {label: _capabilities(manifest, label) | facts for label, facts in opened.items()}


class ChangedWeights(NamedTuple):
    """A model, or its adapter or direction, that is another file under the same label. Both are hashes."""

    label: str
    part: str
    before: str
    now: str


def changed_weights(
    held: Mapping[str, dict[str, Any]], opened: Mapping[str, dict[str, Any]]
) -> Iterator[ChangedWeights]:
    """Yield where the facts of models, by their labels, name other weights, another adapter or another direction."""
    for label, facts in opened.items():
        for part, key in _WEIGHTS:
            before, now = (
                facts_of_model.get(part, {}).get(key) if part else facts_of_model.get(key)
                for facts_of_model in (held.get(label, {}), facts)
            )
            if before is not None and now is not None and before != now:
                yield ChangedWeights(label, part or "model", before, now)


def _capabilities(manifest: RunManifest, label: str) -> dict[str, Any]:
    return {name: value for name, value in manifest.models.get(label, {}).items() if name in ("learnt", "rung")}


def recall_capabilities(manifest: RunManifest, models: Mapping[str, Model]) -> None:
    """Let models know what earlier sessions of the run learnt of their endpoints."""
    for label, model in models.items():
        model.recall(_capabilities(manifest, label))


def note_capabilities(manifest: RunManifest, models: Mapping[str, Model]) -> None:
    """Put what was learnt of the endpoints into the manifest, and the facts of models opened while the run went on."""
    manifest.models |= {
        label: model.facts | manifest.models.get(label, {}) | model.capabilities for label, model in models.items()
    }


def uses_embedded(folders: Iterable[Path]) -> bool:
    """Return whether one of these run folders was made with the embedded model, by the facts of its models.

    Folders of release 0.1.0 tell only the name under which a local model was opened.
    """
    return any(facts.get("embedded", facts.get("name") == EMBEDDED) for facts in _facts_of_models(folders))


def uses_scripted(folders: Iterable[Path]) -> bool:
    """Return whether some words or ratings of these run folders are from a scripted model, by the facts of its
    models.
    """
    return any(facts.get("scripted", False) for facts in _facts_of_models(folders))


def _facts_of_models(folders: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for folder in folders:
        manifest = read_manifest(folder)
        yield from manifest.models.values() if manifest is not None else ()


def begin_session(manifest: RunManifest) -> Session:
    """Note a session's start."""
    session = Session(started=round(time.time(), 3))
    manifest.sessions = [*manifest.sessions, session]
    return session


def end_session(session: Session, outcome: str) -> None:
    """Note how a session ended."""
    session.ended = round(time.time(), 3)
    session.outcome = outcome


def seconds_worked(manifest: RunManifest) -> float:
    """Wall seconds of all sessions that ended."""
    return sum(session.ended - session.started for session in manifest.sessions if session.ended is not None)
