"""What an Inspect log says about the complete run: models, roles, settings, and how to show the scores."""

import hashlib
from collections.abc import Sequence
from typing import Any

from cocoon.core.config import StudyConfig
from cocoon.exports.inspect_ai.events import instant
from cocoon.running.folder import read_config
from cocoon.running.manifest import RunManifest, read_manifest
from cocoon.running.reading.reader import RunReader

_PALETTES = {"higher": "good-high", "lower": "good-low"}


class Header:
    """Facts of a run that are the same in each of its logs. Times are seconds since 1970."""

    def __init__(self, run: RunReader) -> None:
        self.run = run
        folder = run.path if run.path.is_dir() else None
        self.manifest: RunManifest | None = read_manifest(folder) if folder else None
        self.config: StudyConfig | None = read_config(folder) if folder else None
        self.judges = _judges(run)
        sessions = self.manifest.sessions if self.manifest else []
        # For dialogues from elsewhere, only the date of the file is known.
        self.created = sessions[0].started if sessions else run.dialogues.path.stat().st_mtime
        self.ended = sessions[-1].ended if sessions else self.created
        self.finished = not sessions or sessions[-1].outcome == "finished"

    @property
    def status(self) -> str:
        """Return Inspect's word for how the run ended.

        An unfinished run is exported as far as it got.
        """
        return "success" if self.finished else "cancelled"

    def models_of(self, supporter: str) -> dict[str, list[str]]:
        """Return the models by role, with only that supporter's model where the configuration names it."""
        roles = dict(self.manifest.roles) if self.manifest else {}
        supporters = self.config.supporters if self.config else []
        models = [config.model for config in supporters if config.name == supporter]
        if len(roles.get("supporter", [])) > 1 and models:
            roles["supporter"] = models
        return roles


def _judges(run: RunReader) -> list[str]:
    judges: dict[str, None] = {}
    for name in run.ratings.places:
        for line in run.ratings.of(name):
            judges[str(line.get("judge"))] = None
    return list(judges)


def specification(header: Header, supporter: str, ids: Sequence[str], epochs: int) -> dict[str, Any]:
    """Return Inspect's EvalSpec."""
    name = header.run.name
    identity = hashlib.blake2b(f"{name}\0{supporter}\0{header.created}".encode(), digest_size=11).hexdigest()
    manifest, profiles = header.manifest, list(dict.fromkeys(ids))
    return {
        "eval_id": identity,
        "run_id": identity,
        "created": instant(header.created),
        "task": name,
        "task_id": identity,
        "task_version": 0,
        "task_args": _settings(header.config),
        "dataset": {"name": "profiles", "samples": len(profiles), "sample_ids": profiles, "shuffled": False},
        "model": supporter,
        "model_roles": {role: _models(labels) for role, labels in header.models_of(supporter).items() if labels},
        "config": {"epochs": epochs},
        "packages": {"cocoon": manifest.cocoon, **manifest.packages} if manifest else {},
        "metadata": manifest.model_dump(mode="json", include=_MANIFEST_FIELDS) if manifest else {},
        "viewer": _viewer(header),
    }


_MANIFEST_FIELDS = {"prompts", "hosts", "seed", "git_revision", "python", "form_invariance"}


def _settings(config: StudyConfig | None) -> dict[str, Any]:
    if config is None:
        return {}
    user = config.user.model_dump(mode="json", include={"kind", "difficulty", "rules", "may_leave", "temperature"})
    judge = config.judge.model_dump(mode="json", include={"scales", "votes", "temperature", "permute", "show_need"})
    return {
        "rounds": config.rounds,
        "samples": config.samples,
        "language": config.language,
        "user": user,
        "judge": judge,
    }


def _models(labels: Sequence[str]) -> dict[str, Any] | list[dict[str, Any]]:
    models: list[dict[str, Any]] = [{"model": label, "config": {}, "args": {}} for label in labels]
    return models[0] if len(models) == 1 else models


def _viewer(header: Header) -> dict[str, Any]:
    """Return how Inspect shows the log.

    Nobody vouches for the text of dialogues, so it is shown as plain text. Colours follow each scale's own range.
    """
    colours = {
        dimension.id: {
            "palette": _PALETTES[dimension.better],
            "min": scale.range[0] * dimension.multiply,
            "max": scale.range[1] * dimension.multiply,
        }
        for scale in header.run.scales.values()
        for dimension in scale.dimensions
    }
    labels = {dimension.id: dimension.label for scale in header.run.scales.values() for dimension in scale.dimensions}
    return {
        "trust_content": False,
        "sample_score_view": {"default": "grid"},
        "task_samples_view": {
            "name": "cocoon",
            "score_labels": labels,
            "score_color_scales": colours,
            "compact_scores": True,
            "color_scales_enabled": True,
        },
    }
