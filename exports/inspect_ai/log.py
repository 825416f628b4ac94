"""Write a run as an Inspect log (`.eval`) without Inspect: a zip of JSON, one dialogue at a time.

docs/how-to/exports.md has the mapping, and docs/decisions/inspect-log.md says why it is written like this.
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
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Failure
from cocoon.exports.file import refuse_existing, whole_file
from cocoon.exports.inspect_ai.events import instant
from cocoon.exports.inspect_ai.header import Header, specification
from cocoon.exports.inspect_ai.sample import Placed, Sample, failed_sample, sample_of, sample_summary
from cocoon.exports.inspect_ai.scores import Tallies
from cocoon.exports.material import material_of
from cocoon.models.journal.reader import JournalReader, opened_journal
from cocoon.running.reading.reader import RunReader, file_of

VERSION = 2
LEVEL = 4
_PLAIN = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
_MAX_IN_MEMORY = 1_000_000


@dataclass
class Part:
    """The content of one log: one supporter's dialogues by id, and those of them that failed."""

    supporter: str
    places: dict[str, Placed] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Return the highest number of dialogues of one profile."""
        return max((sample.epoch for sample in self.places.values()), default=1)

    @property
    def ids(self) -> list[str]:
        """Return the ids of the samples, in order."""
        return [sample.id for sample in self.places.values()] + self.failed


def export_inspect(run: RunReader, out: Path, *, force: bool = False) -> list[Path]:
    """Write a run's logs: the file `out` (`.eval`), or one for each supporter into the folder `out`.

    Raises CocoonError where `out` is one file and the run has several supporters, and for files that already exist.
    """
    run.refresh()
    parts = _parts(run)
    if not parts:
        raise CocoonError(f"{run.path}: has no dialogue to export")
    header = Header(run)
    single = out.suffix == ".eval"
    if single and len(parts) > 1:
        names = ", ".join(part.supporter for part in parts)
        raise CocoonError(
            f"{run.path}: has {len(parts)} supporters ({names}), and each needs a log; give a folder with -o"
        )
    paths = [out if single else out / _file_name(header, part) for part in parts]
    for path in paths:
        refuse_existing(path, force=force)
    with opened_journal(run.journal) as journal:
        for part, path in zip(parts, paths, strict=True):
            with whole_file(path) as partial:
                _Writer(header, part).write(partial, journal)
    return paths


def _parts(run: RunReader) -> list[Part]:
    """Return the supporters in the order of their first dialogues.

    A sample is a profile, and an epoch is a repeat of it.
    """
    parts: dict[str, Part] = {}
    for name in run.names():
        line = list(run.dialogues.of(name))[-1]
        part = parts.setdefault(str(line.get("supporter")), Part(str(line.get("supporter"))))
        part.places[name] = Placed(str((line.get("profile") or {}).get("id")), int(line.get("sample") or 0) + 1)
    for part in parts.values():
        _make_unique(part)
    for name in run.failures.places:
        if name not in run.dialogues.places and (part := _owner(name, list(parts.values()))):
            part.failed.append(name)
    return list(parts.values())


def _make_unique(part: Part) -> None:
    """Make each dialogue a sample of its own where (profile, repeat) names several.

    Also make ids valid names of files.
    """
    counts = Counter(part.places.values())
    for name, sample in part.places.items():
        if counts[sample] > 1:
            sample = Placed(name, 1)
        part.places[name] = sample if _PLAIN.fullmatch(sample.id) else Placed(file_of(sample.id), sample.epoch)


def _owner(name: str, parts: list[Part]) -> Part | None:
    """Return the part whose dialogue failed. The id of a dialogue is PROFILE.SUPPORTER.REPEAT."""
    matching = [part for part in parts if f".{part.supporter}." in name]
    return max(matching, key=lambda part: len(part.supporter)) if matching else parts[0] if len(parts) == 1 else None


def _file_name(header: Header, part: Part) -> str:
    """Return a name like those of Inspect's own logs: time, task, model."""
    time = datetime.fromtimestamp(header.created, UTC).strftime("%Y-%m-%dT%H-%M-%S+00-00")
    safe_names = [
        re.sub(r"[^\w.+-]+|_", "-", text, flags=re.ASCII).strip("-.") for text in (header.run.name, part.supporter)
    ]
    return f"{time}_{safe_names[0][:60] or 'run'}_{safe_names[1][:60] or 'supporter'}_{file_of(part.supporter)}.eval"


class _Writer:
    """Writes one log, keeping only one dialogue and the sums in memory."""

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
        with ZipFile(path, "w", ZIP_DEFLATED) as log, SpooledTemporaryFile(_MAX_IN_MEMORY) as summaries:
            self._put(log, "_journal/start.json", {"version": VERSION, "eval": spec, "plan": plan})
            separator = b"["
            for sample in self._samples(journal):
                self._put(log, f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample)
                summaries.write(separator + orjson.dumps(sample_summary(sample)))
                separator = b","
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
        for name, sample in self.part.places.items():
            material = material_of(run, name, journal)
            shas = (sha for call in material.calls.values() for _, sha in call.request)
            texts = journal.texts(shas) if journal else {}
            several = len(self.header.judges) > 1
            yield sample_of(material, texts, sample, run.scales, self.header.created, several_judges=several)
        for name in self.part.failed:
            lines = [parse_record(line, Failure, f"{run.failures.path}: {name!r}") for line in run.failures.of(name)]
            yield failed_sample(lines, 1, self.header.created)

    def _add(self, sample: Sample) -> None:
        self._tallies.add(sample["scores"])
        self._names |= dict.fromkeys(sample["scores"])
        for sums, token_usage in ((self._models, sample["model_usage"]), (self._roles, sample["role_usage"])):
            for name, usage in token_usage.items():
                sums.setdefault(name, Counter()).update(usage)

    def _head(self, spec: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
        completed = len(self.part.places)
        ended = self.header.ended
        return {
            "version": VERSION,
            "status": self.header.status,
            "eval": spec,
            "plan": plan,
            "results": {
                "total_samples": completed + len(self.part.failed),
                "completed_samples": completed,
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
        """Return an entry with the run's own time, so that exporting a run twice gives the same bytes."""
        time = datetime.fromtimestamp(self.header.created, UTC).timetuple()[:6]
        info = ZipInfo(name, max(time, (1980, 1, 1, 0, 0, 0)))
        info.compress_type = ZIP_DEFLATED
        return info
