"""A run's folder: what stands where, who may write to it, and what is already there."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel

from cocoon.core.config import RunConfig, StudyConfig, differences, to_yaml
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import Appender, dump_line, parse_line, parse_record, read_objects, read_records, write_whole
from cocoon.core.outside.locks import lock_folder
from cocoon.core.outside.yaml_text import read_yaml
from cocoon.core.records import Dialogue, Failure, Rating, Record, Turn
from cocoon.models.journal.seals import Seal, seal_name
from cocoon.models.journal.store import Journal
from cocoon.running.integrity.sealing import (
    BY_LINE,
    call_keys,
    files_to_seal,
    record_sha,
    seal_of_file,
    seals_of_ratings,
)
from cocoon.running.shards.shard import Shard, keep_shard
from cocoon.running.trace import Trace, settle_trace

RecordT = TypeVar("RecordT", bound=BaseModel)
ConfigT = TypeVar("ConfigT", bound=RunConfig)
JOURNAL = "journal.sqlite"
DROPPED = "dropped.jsonl"
BATCHES = "batches"
"""The sub-folder of files that went out in batches."""
APPENDED = ("dialogues.jsonl", "ratings.jsonl")
PEOPLE = "people.jsonl"
"""Ratings of the run's dialogues by people."""
REFERENCE = "reference.json"
"""Figures of the corpus that the run's users are held against, where one was given."""
UNDER_WAY = "under_way.jsonl"
"""What unfinished dialogues have said so far: a line for the dialogue without turns, then one for each of its turns.

It is for whoever watches a run. Nothing is resumed from it, and it goes when the files are put in order.
"""
REWRITTEN = ("manifest.json", "config.yaml", "sample.json", "shard.json", "trace.jsonl", *APPENDED, "failures.jsonl")


class TurnUnderWay(Record):
    """A turn of a dialogue under way. `id` is that of the dialogue."""

    id: str
    turn: Turn


class RunFolder:
    """An open run folder, locked against a second writer.

    The files of `appended` (`dialogues.jsonl` and `ratings.jsonl` if not told) are written to as things are done and
    put in order by `settle`. `failures.jsonl` holds what failed when it was last tried: `tried` names the items that
    this session came to the end of, and the earlier failures of all others stand as they were.
    """

    def __init__(self, path: Path, appended: tuple[str, ...] = APPENDED) -> None:
        self.path = path
        self._names = appended
        self._lock = lock_folder(path)
        self._begun = (path / JOURNAL).exists()
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, self._lock)
            self._sweep()
            self.journal = Journal(path / JOURNAL)
            undo.callback(self.journal.close)
            self.trace = Trace(path / "trace.jsonl")
            self._under_way = Appender(path / UNDER_WAY)
            self._appending = {name: Appender(path / name) for name in appended}
            self.failures: list[Failure] = []
            self.tried: set[str] = set()
            undo.pop_all()

    def _sweep(self) -> None:
        """Remove the halves of files that a killed session was about to put in place."""
        for name in {*REWRITTEN, *self._names}:
            for half in self.path.glob(f".{name}.*"):
                half.unlink()
        (self.path / UNDER_WAY).unlink(missing_ok=True)

    def nothing_answered(self) -> bool:
        """Return whether the run was begun, and not a single call was answered in it."""
        empty = all((self.path / name).stat().st_size == 0 for name in self._names)
        return self._begun and empty and self.journal.is_empty()

    def forget_attempts(self) -> None:
        """Empty what earlier sessions left in vain: their trace, and what failed in them."""
        for name in ("trace.jsonl", "failures.jsonl"):
            if (self.path / name).exists():
                os.truncate(self.path / name, 0)

    def agree(self, config: RunConfig) -> None:
        """Store the configuration, or check that a run being resumed was made with one that is alike.

        A run in which nothing was answered takes any configuration. Raises CocoonError naming the keys that differ.
        """
        stored = None if self.nothing_answered() else read_config_as(self.path, type(config))
        if stored is not None and (differing := differences(stored, config)):
            raise CocoonError(
                f"{self.path} was started with different settings ({', '.join(differing)}; see config.yaml). "
                "Run the original command to resume, or choose another --out."
            )
        write_whole(self.path / "config.yaml", [to_yaml(config).encode()])

    def add(self, name: str, record: BaseModel) -> None:
        """Append a record to one of the folder's files."""
        self._appending[name].write(dump_line(record))
        if name in BY_LINE:
            self.journal.add_seals([self._seal(name, record)])

    def _seal(self, name: str, record: Any) -> Seal:
        base = self.journal.base_of(record.id, call_keys(record))
        return Seal("record", seal_name(name, record.id), record_sha(record), base)

    def begin_dialogue(self, dialogue: Dialogue) -> None:
        """Note a dialogue that has been begun, for whoever watches."""
        self._under_way.write(dump_line(dialogue))

    def add_turns(self, dialogue: str, turns: Sequence[Turn]) -> None:
        """Note what was said in a dialogue under way."""
        if turns:
            self._under_way.write(b"".join(dump_line(TurnUnderWay(id=dialogue, turn=turn)) for turn in turns))

    def add_dialogue(self, dialogue: Dialogue) -> None:
        """Append a finished dialogue."""
        self.add("dialogues.jsonl", dialogue)

    def add_ratings(self, ratings: Sequence[Rating], dialogue: Dialogue) -> None:
        """Append the ratings of one dialogue, in one write."""
        self._appending["ratings.jsonl"].write(b"".join(dump_line(rating) for rating in ratings))
        self.journal.add_seals(seals_of_ratings(ratings, dialogue))

    def settle(self, order: list[str]) -> int:
        """Put the files in the order of the dialogues, each line once, and write what has failed.

        Returns how many calls were paid for twice, as `settle_trace` tells it.
        """
        self.trace.close()
        position = {name: number for number, name in enumerate(order)}
        for name in self._names:
            sort_file(self.path / name, lambda line: _line_order(line, position))
        paid_again = settle_trace(self.path / "trace.jsonl", order)
        earlier = read_run(self.path, "failures.jsonl", Failure)
        failures = [*(failure for failure in earlier if failure.dialogue not in self.tried), *self.failures]
        failures.sort(
            key=lambda failure: (position.get(failure.dialogue, len(position)), failure.dialogue, failure.node)
        )
        write_whole(self.path / "failures.jsonl", map(dump_line, failures))
        self._under_way.close()
        (self.path / UNDER_WAY).unlink(missing_ok=True)
        return paid_again

    def seal(self) -> None:
        """Seal the files that have one seal each, as they are now, and dialogues that came from elsewhere."""
        files = files_to_seal(self.path, self._names)
        self.journal.add_seals([seal_of_file(self.path, file) for file in files])
        if "dialogues.jsonl" in self._names:
            self.journal.add_seals(self._adopted(), adopted=True)

    def _adopted(self) -> list[Seal]:
        known, file = self.journal.seals("record"), self.path / "dialogues.jsonl"
        names = ((seal_name(file.name, line["id"]), number, line) for number, line in read_objects(file, "id"))
        return [
            Seal("record", name, record_sha(parse_record(line, Dialogue, f"{file}, line {number}")))
            for name, number, line in names
            if name not in known
        ]

    def close(self) -> None:
        """Commit the journal and let others write."""
        self.journal.close()
        for file in (self.trace, self._under_way, *self._appending.values()):
            file.close()
        os.close(self._lock)


def _line_order(line: dict[str, Any], position: dict[str, int]) -> tuple[Any, ...]:
    """Sort key of a line: that of a rating, or of whatever has an id."""
    if "scale" in line:
        return rating_order(line, position)
    return position.get(line["id"], len(position)), line["id"]


def rating_order(line: dict[str, Any], position: dict[str, int]) -> tuple[Any, ...]:
    """Sort key of a rating: dialogue, judge, scale, prompt, vote."""
    where = position.get(line["dialogue"], len(position))
    return where, line["dialogue"], line["judge"], line["scale"], line["prompt_sha"], line["vote"]


def sort_file(path: Path, key: Any) -> None:
    """Sort a JSONL file by a key of its values. Of lines with equal keys the last stays. Only keys are in memory."""
    if not path.exists():
        return
    places: dict[tuple[Any, ...], int] = {}
    position = 0
    with path.open("rb") as source:
        for number, line in enumerate(source, 1):
            if line.strip():
                try:
                    places[key(parse_line(path, number, line))] = position
                except (KeyError, TypeError):
                    raise CocoonError(f"{path}, line {number}: is no record of a run; fix or remove it") from None
            position += len(line)
        write_whole(path, (_line_at(source, places[name]) for name in sorted(places)))


def _line_at(source: Any, position: int) -> bytes:
    source.seek(position)
    return source.readline()


def read_config(path: Path) -> StudyConfig | None:
    """Return the configuration of a run of conversations, or None for a folder without one or of another kind."""
    value = _stored_config(path)
    if value is None or (isinstance(value, dict) and "verb" in value):
        return None
    return parse_record(value, StudyConfig, str(path / "config.yaml"))


def read_verb(path: Path) -> str | None:
    """Return the command that the run in a folder was started with, or None for a folder without settings."""
    value = _stored_config(path)
    return None if value is None else str(value.get("verb", StudyConfig.verb_of()))


def read_config_as(path: Path, kind: type[ConfigT]) -> ConfigT | None:
    """Return the configuration of a run of that kind, or None for a folder without one.

    Raises CocoonError for another kind of run.
    """
    value, stored, expected = _stored_config(path), read_verb(path), kind.verb_of()
    if value is None:
        return None
    if stored != expected:
        raise CocoonError(f"{path}: has a run of `cocoon {stored}`, not of `cocoon {expected}`; use another --out")
    return parse_record(value, kind, str(path / "config.yaml"))


def _stored_config(path: Path) -> Any:
    file = path / "config.yaml"
    if not file.exists():
        return None
    value = read_yaml(file)
    if not isinstance(value, dict):
        raise CocoonError(f"{file}: must hold keys and values; fix it, or use another --out")
    return value


def read_run(path: Path, name: str, kind: type[RecordT]) -> Iterator[RecordT]:
    """Yield the records of one of a run's files, and nothing where the file does not exist yet."""
    file = path / name
    if file.exists():
        yield from read_records(file, kind)


def existing_run(path: Path) -> Path:
    """Return the path, when it holds a run or a dialogues file. Raises CocoonError otherwise."""
    if not (path / "dialogues.jsonl").exists():
        raise CocoonError(f"{path}: has no run (no dialogues.jsonl); make one with `cocoon simulate --out {path}`")
    return path


def dialogues_file(path: Path) -> Path:
    """Return the file of dialogues that a path names: the file itself, or that of a run folder."""
    return existing_run(path) / "dialogues.jsonl" if path.is_dir() else path


def adopt_dialogues(file: Path, out: Path | None, shard: Shard | None = None) -> Path:
    """Return a run folder made from a plain dialogues file, for judging. The records are checked, and the file is
    copied, or those of a shard's people.

    Raises CocoonError without `out`, or where `out` has other dialogues.
    """
    if out is None:
        raise CocoonError(f"{file}: is a dialogues file; name a folder for its ratings with --out")
    return put_dialogues(out, [dump_line(dialogue) for dialogue in read_records(file, Dialogue)], str(file), shard)


def put_dialogues(out: Path, lines: list[bytes], source: str, shard: Shard | None = None) -> Path:
    """Write dialogues, each as one line, as those of a run, and return its folder. A shard has those of its people.

    Raises CocoonError where it has others, or `source` has none.
    """
    if not lines:
        raise CocoonError(f"{source}: has no dialogue")
    target = out / "dialogues.jsonl"
    out.mkdir(parents=True, exist_ok=True)
    if shard is not None:
        run, lines = lines, shard.part_of(lines, lambda line: orjson.loads(line)["profile"]["id"])
        names, languages = ([orjson.loads(line)[key] for line in run] for key in ("id", "language"))
        mine = [orjson.loads(line)["id"] for line in lines]
        keep_shard(out, shard, names, mine, map(bytes.decode, run), languages=sorted(set(languages)))
    if target.exists() and sorted(target.read_bytes().splitlines(keepends=True)) != sorted(lines):
        raise CocoonError(f"{out}: has other dialogues than {source}; use another --out")
    write_whole(target, lines)
    return out
