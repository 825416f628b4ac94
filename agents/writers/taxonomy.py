"""Scenarios, emotions and seed needs that profiles are built from: an editable YAML file, checked."""

import hashlib
import json
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ConfigDict, Field, model_validator

from cocoon.core.jsonl import read_yaml_record
from cocoon.core.records import BothLanguages, Language, Record


class _Frozen(Record):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Emotion(BothLanguages):
    """An emotion. Its `id` is part of the ids of profiles."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")


class Seeds(_Frozen):
    """5 to 8 seed needs in each language (paper C.1)."""

    zh: list[str] = Field(min_length=5, max_length=8)
    en: list[str] = Field(min_length=5, max_length=8)

    def of(self, language: Language) -> list[str]:
        """Return the seeds in a language."""
        return self.zh if language == "zh" else self.en


class Scenario(_Frozen):
    """A scenario with examples of what people want in it on the surface."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")
    name: BothLanguages
    seeds: Seeds


class Taxonomy(_Frozen):
    """All scenarios and emotions of a build."""

    source: str = ""
    emotions: list[Emotion] = Field(min_length=1)
    scenarios: list[Scenario] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> "Taxonomy":
        for entries in (self.emotions, self.scenarios):
            ids = [entry.id for entry in entries]
            twice = sorted({name for name in ids if ids.count(name) > 1})
            if twice:
                raise ValueError(f"id {twice[0]!r} occurs twice")
        return self

    @property
    def sha(self) -> str:
        """12 hex digits over the content: another taxonomy makes other profiles."""
        content = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def load_taxonomy(file: Path | None = None) -> Taxonomy:
    """Return the taxonomy of a YAML file, or the shipped one. Raises CocoonError naming file and key."""
    source: Traversable = file or resources.files("cocoon.prompts").joinpath("profile", "taxonomy.yaml")
    return read_yaml_record(source, Taxonomy)
