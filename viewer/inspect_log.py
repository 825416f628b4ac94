"""A run as an Inspect log (`.eval`), written without Inspect: a zip of JSON, a dialogue at a time.

The mapping stands in docs/exports.md; why it is written like this, in docs/decisions/inspect-log.md.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.journal_reader import JournalReader, opened_journal
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Failure
from cocoon.viewer.export_file import refuse_existing, whole_file
from cocoon.viewer.export_material import material_of
from cocoon.viewer.inspect_events import instant
from cocoon.viewer.inspect_header import Header, specification
from cocoon.viewer.inspect_sample import Placed, Sample, failed_sample, sample_of, summary_of
from cocoon.viewer.inspect_scores import Tallies
from cocoon.viewer.run_reader import RunReader, file_of

VERSION = 2
LEVEL = 4
_PLAIN = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
_HELD = 1_000_000


@dataclass
class Part:
    """What goes into one log: one supporter's dialogues by id, and those of them that failed."""

    supporter: str
    places: dict[str, Placed] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """The most dialogues of one profile."""
        return max((place.epoch for place in self.places.values()), default=1)

    @property
    def ids(self) -> list[str]:
        """Ids of the samples, in order."""
        return [place.id for place in self.places.values()] + self.failed


def export_inspect(run: RunReader, out: Path, *, force: bool = False) -> list[Path]:
    """Write a run's logs: the file `out` (`.eval`), or one for each supporter into the folder `out`.

    Raises CocoonError where `out` is one file and the run has several supporters, and for files that are there.
    """
    run.refresh()
    parts = _parts(run)
    if not parts:
        raise CocoonError(f"{run.path}: holds no dialogue to export")
    header = Header(run)
    single = out.suffix == ".eval"
    if single and len(parts) > 1:
        names = ", ".join(part.supporter for part in parts)
        raise CocoonError(f"{run.path}: has {len(parts)} supporters ({names}), each a log; give a folder with -o")
    paths = [out if single else out / _file_name(header, part) for part in parts]
    for path in paths:
        refuse_existing(path, force=force)
    with opened_journal(run.journal) as journal:
        for part, path in zip(parts, paths, strict=True):
            with whole_file(path) as beside:
                _Writer(header, part).write(beside, journal)
    return paths


def _parts(run: RunReader) -> list[Part]:
    """Supporters in the order of their first dialogues; a sample is a profile, an epoch its repeat."""
    found: dict[str, Part] = {}
    for name in run.names():
        line = list(run.dialogues.of(name))[-1]
        part = found.setdefault(str(line.get("supporter")), Part(str(line.get("supporter"))))
        part.places[name] = Placed(str((line.get("profile") or {}).get("id")), int(line.get("sample") or 0) + 1)
    for part in found.values():
        _make_single(part)
    for name in run.failures.places:
        if name not in run.dialogues.places and (part := _owner(name, list(found.values()))):
            part.failed.append(name)
    return list(found.values())


def _make_single(part: Part) -> None:
    """Where (profile, repeat) names several dialogues, each is a sample of its own; ids become names of files."""
    times = Counter(part.places.values())
    for name, place in part.places.items():
        if times[place] > 1:
            place = Placed(name, 1)
        part.places[name] = place if _PLAIN.fullmatch(place.id) else Placed(file_of(place.id), place.epoch)


def _owner(name: str, parts: list[Part]) -> Part | None:
    """Whose dialogue failed: its id is PROFILE.SUPPORTER.REPEAT."""
    named = [part for part in parts if f".{part.supporter}." in name]
    return max(named, key=lambda part: len(part.supporter)) if named else parts[0] if len(parts) == 1 else None


def _file_name(header: Header, part: Part) -> str:
    """A name as Inspect gives its own logs: time, task, model."""
    time = datetime.fromtimestamp(header.created, UTC).strftime("%Y-%m-%dT%H-%M-%S+00-00")
    plain = [
        re.sub(r"[^\w.+-]+|_", "-", text, flags=re.ASCII).strip("-.") for text in (header.run.name, part.supporter)
    ]
    return f"{time}_{plain[0][:60] or 'run'}_{plain[1][:60] or 'supporter'}_{file_of(part.supporter)}.eval"


class _Writer:
    """Writes one log; holds one dialogue and the sums."""

    def __init__(self, header: Header, part: Part) -> None:
        self.header = header
        self.part = part
        self._tallies = Tallies()
        self._names: dict[str, None] = {}
        self._models: dict[str, Counter[str]] = {}
        self._roles: dict[str, Counter[str]] = {}

    def write(self, path: Path, journal: JournalReader | None) -> None:
        """Write the log to `path`."""
        spec = specification(self.header, self.part.supporter, self.part.ids, self.part.epochs)
        plan = {"name": "plan", "steps": [{"solver": "conversation", "params": {}}], "config": {}}
        with ZipFile(path, "w", ZIP_DEFLATED) as log, SpooledTemporaryFile(_HELD) as summaries:
            self._put(log, "_journal/start.json", {"version": VERSION, "eval": spec, "plan": plan})
            before = b"["
            for sample in self._samples(journal):
                self._put(log, f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample)
                summaries.write(before + orjson.dumps(summary_of(sample)))
                before = b","
                self._add(sample)
            summaries.write(b"]")
            summaries.seek(0)
            with log.open(self._info("summaries.json"), "w") as member:
                while chunk := summaries.read(1 << 20):
                    member.write(chunk)
            spec["scorers"] = [{"name": name} for name in self._names]
            self._put(log, "header.json", self._head(spec, plan))

    def _samples(self, journal: JournalReader | None) -> Iterator[Sample]:
        run = self.header.run
        for name, place in self.part.places.items():
            material = material_of(run, name, journal)
            shas = (sha for call in material.calls.values() for _, sha in call.request)
            texts = journal.texts(shas) if journal else {}
            several = len(self.header.judges) > 1
            yield sample_of(material, texts, place, run.scales, self.header.created, several_judges=several)
        for name in self.part.failed:
            lines = [parse_record(line, Failure, f"{run.failures.path}: {name!r}") for line in run.failures.of(name)]
            yield failed_sample(lines, 1, self.header.created)

    def _add(self, sample: Sample) -> None:
        self._tallies.add(sample["scores"])
        self._names |= dict.fromkeys(sample["scores"])
        for sums, told in ((self._models, sample["model_usage"]), (self._roles, sample["role_usage"])):
            for name, usage in told.items():
                sums.setdefault(name, Counter()).update(usage)

    def _head(self, spec: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
        done = len(self.part.places)
        ended = self.header.ended
        return {
            "version": VERSION,
            "status": self.header.status,
            "eval": spec,
            "plan": plan,
            "results": {
                "total_samples": done + len(self.part.failed),
                "completed_samples": done,
                "scores": self._tallies.results(),
            },
            "stats": {
                "started_at": instant(self.header.created),
                "completed_at": instant(ended) if ended is not None else "",
                "model_usage": self._models,
                "role_usage": self._roles,
            },
        }

    def _put(self, log: ZipFile, name: str, value: Any) -> None:
        log.writestr(self._info(name), orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS), compresslevel=LEVEL)

    def _info(self, name: str) -> ZipInfo:
        """An entry with the run's own time, so that a run exported twice gives the same bytes."""
        time = datetime.fromtimestamp(self.header.created, UTC).timetuple()[:6]
        info = ZipInfo(name, max(time, (1980, 1, 1, 0, 0, 0)))
        info.compress_type = ZIP_DEFLATED
        return info
