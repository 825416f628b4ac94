"""Seals of what a run writes. `cocoon verify` holds the files against them later."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel

from cocoon.core.jsonl import file_sha
from cocoon.core.records import Dialogue, Rating
from cocoon.models.journal.seals import Seal, digest, seal_name

BY_LINE = ("dialogues.jsonl", "ratings.jsonl", "profiles.jsonl")
"""Files of a run in which every record has a seal."""
_WHOLE = (
    *("manifest.json", "config.yaml", "sample.json", "shard.json"),
    *("trace.jsonl", "failures.jsonl", "profiles.jsonl"),
)


def record_sha(record: BaseModel) -> str:
    """Return the hash of a record. Keys at their defaults do not count, so that a later release may add some."""
    return digest(record.model_dump(mode="json", exclude_defaults=True))


def call_keys(record: BaseModel) -> list[str] | None:
    """Return the keys of the calls that a record was made of. None means all calls of its id."""
    return [key for turn in record.turns for key in turn.calls] if isinstance(record, Dialogue) else None


def rating_name(rating: Rating) -> str:
    """Return the name of a rating's seal."""
    return seal_name(rating.dialogue, rating.judge, rating.scale, rating.prompt_sha, rating.vote)


def seals_of_ratings(ratings: Iterable[Rating], dialogue: Dialogue) -> list[Seal]:
    """Return the seals of ratings, which hold the hash of the dialogue that was rated."""
    base = record_sha(dialogue)
    return [Seal("rating", rating_name(rating), record_sha(rating), base) for rating in ratings]


def files_to_seal(run: Path, appended: Sequence[str]) -> list[Path]:
    """Return the files of a run that are sealed whole. `appended` are those that the run itself adds records to."""
    names = {*_WHOLE, *appended} - {name for name in appended if name in BY_LINE}
    files = [*(run / name for name in sorted(names)), *sorted((run / "scales").glob("[!.]*.yaml"))]
    return [file for file in files if file.is_file()]


def seal_of_file(run: Path, file: Path) -> Seal:
    """Return the seal of a file of a run."""
    return Seal("file", str(file.relative_to(run)), file_sha(file))
