"""A run's telemetry, dialogue by dialogue, to an OTLP/HTTP endpoint or to a file of OTLP JSON lines."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from cocoon import __version__
from cocoon.core.errors import CocoonError
from cocoon.core.journal_reader import JournalReader, opened_journal
from cocoon.core.manifest import read_manifest
from cocoon.viewer.export_file import refuse_existing, whole_file
from cocoon.viewer.export_material import material_of
from cocoon.viewer.otel_records import EventRecord, Resource, SpanRecord, events_request, spans_request
from cocoon.viewer.otel_send import Sender
from cocoon.viewer.otel_spans import Telemetry, failed, telemetry
from cocoon.viewer.run_reader import RunReader

BATCH = 512


class OtelExport:
    """A run to be told as spans; `content` takes in what was said. Both ways out give the same spans."""

    def __init__(self, run: RunReader, *, content: bool = False) -> None:
        run.refresh()
        if not run.names():
            raise CocoonError(f"{run.path}: holds no dialogue to export")
        self.run = run
        self.content = content
        manifest = read_manifest(run.path) if run.path.is_dir() else None
        sessions = manifest.sessions if manifest else []
        self._begun = sessions[0].started if sessions else None
        version = manifest.cocoon if manifest else __version__
        named = {"service.name": "cocoon", "service.version": version, "cocoon.run": run.name}
        self.resource = Resource(version, named)

    def to_file(self, out: Path, *, force: bool = False) -> int:
        """Write OTLP JSON lines; how many spans."""
        refuse_existing(out, force=force)
        count = 0
        with whole_file(out) as beside, beside.open("wb") as file:
            for made in self._telemetry():
                count += len(made.spans)
                file.write(orjson.dumps(spans_request(self.resource, made.spans)) + b"\n")
                if made.events:
                    file.write(orjson.dumps(events_request(self.resource, made.events)) + b"\n")
        return count

    def to_endpoint(self, endpoint: str) -> int:
        """Send to an OTLP/HTTP endpoint; how many spans."""
        sender, count = Sender(endpoint, self.resource), 0
        try:
            for spans, events in _batches(self._telemetry()):
                sender.send(spans, events)
                count += len(spans)
        finally:
            sender.close()
        return count

    def _telemetry(self) -> Iterator[Telemetry]:
        run, start = self.run, self._begun or run_date(self.run)
        with opened_journal(run.journal) as journal:
            for name in run.names():
                material = material_of(run, name, journal)
                key = self._key(name, material.dialogue.model_dump_json())
                shas = (sha for call in material.calls.values() for _, sha in call.request)
                texts = (journal.texts(shas) if journal else {}) if self.content else None
                yield telemetry(material, key, start, texts)
            for name in run.failures.places:
                if name not in run.dialogues.places:
                    yield self._failed(name, journal, start)

    def _failed(self, name: str, journal: JournalReader | None, start: float) -> Telemetry:
        reasons = [str(line.get("reason")) for line in self.run.failures.of(name)]
        return failed(name, self._key(name, name), reasons, journal.calls(name) if journal else [], start)

    def _key(self, name: str, whole: str) -> str:
        """What a dialogue's ids are made of: the run's beginning and its name; of one from elsewhere, all of it."""
        return f"{self._begun}\n{name}" if self._begun is not None else whole


def run_date(run: RunReader) -> float:
    """The date of the file of dialogues, in seconds since 1970."""
    return run.dialogues.path.stat().st_mtime


def _batches(some: Iterator[Telemetry]) -> Iterator[tuple[list[SpanRecord], list[EventRecord]]]:
    spans: list[SpanRecord] = []
    events: list[EventRecord] = []
    for made in some:
        spans += made.spans
        events += made.events
        if len(spans) >= BATCH or made.texts is not None:
            yield spans, events
            spans, events = [], []
    if spans:
        yield spans, events
