"""Dialogues of one or more files made a run folder for judging: all of them, or a seeded sample of each file."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, file_sha, parse_record, read_json_record, read_lines, write_whole
from cocoon.core.records import Dialogue, Record
from cocoon.running.folder import put_dialogues
from cocoon.running.shards.shard import Shard

SAMPLE = "sample.json"


class SampledFile(Record):
    """A file by name and SHA-256, how many dialogues it holds and how many were drawn."""

    file: str
    sha256: str
    dialogues: int
    drawn: int


class Sample(Record):
    """What a run's dialogues were drawn from, without replacement. `size` is for each file, and None where all were
    taken.
    """

    size: int | None
    seed: int
    files: list[SampledFile]

    def one_line(self) -> str:
        """Return the sample in words."""
        parts = (f"{one.drawn:,} of {one.dialogues:,} in {one.file}" for one in self.files)
        return f"{'; '.join(parts)} (seed {self.seed})" if self.size else "; ".join(parts)


def adopt_sample(
    files: Sequence[Path], out: Path | None, size: int | None, seed: int = 0, shard: Shard | None = None
) -> Path:
    """Return a run folder made from `size` dialogues of each file (None: all), with `sample.json` that says which
    files. A shard has those of its people.

    A file with fewer gives all it has. The same files, size and seed give the same dialogues. Raises CocoonError
    without `out`, where it has other dialogues, or where two dialogues have one id.
    """
    if out is None:
        raise CocoonError(f"{files[0]}: is a dialogues file; name a folder for its ratings with --out")
    sample = Sample(size=size, seed=seed, files=[])
    lines, seen = list[bytes](), dict[str, Path]()
    for file in files:
        held = sum(1 for _ in read_lines(file))
        chosen = _chosen(held, size, seed)
        for dialogue in _dialogues(file, chosen):
            if dialogue.id in seen:
                raise CocoonError(f"{file}: dialogue {dialogue.id!r} is in {seen[dialogue.id]} too; ids must differ")
            seen[dialogue.id] = file
            lines.append(dump_line(dialogue))
        sample.files.append(SampledFile(file=file.name, sha256=file_sha(file), dialogues=held, drawn=len(chosen)))
    folder = put_dialogues(out, lines, ", ".join(map(str, files)), shard)
    write_whole(folder / SAMPLE, [orjson.dumps(sample.model_dump(mode="json"), option=orjson.OPT_INDENT_2), b"\n"])
    return folder


def _chosen(held: int, size: int | None, seed: int) -> set[int]:
    """Places of the dialogues to take. Each file has the seed to itself: what stands beside it changes nothing."""
    return set(range(held)) if size is None or size >= held else set(random.Random(seed).sample(range(held), size))


def _dialogues(file: Path, chosen: set[int]) -> Iterator[Dialogue]:
    for index, (number, value) in enumerate(read_lines(file)):
        if index in chosen:
            yield parse_record(value, Dialogue, f"{file}, line {number}")


def read_sample(run: Path) -> Sample | None:
    """Return what a run's dialogues were drawn from, or None where they are not a sample."""
    return read_json_record(run / SAMPLE, Sample, "make it again with the same command")
