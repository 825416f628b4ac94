"""Export a run's telemetry, dialogue by dialogue, to an OTLP/HTTP endpoint or to a file of OTLP JSON lines."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from cocoon import __version__
from cocoon.core.errors import CocoonError
from cocoon.exports.file import refuse_existing, whole_file
from cocoon.exports.material import material_of
from cocoon.exports.otel.records import EventRecord, Resource, SpanRecord, events_request, spans_request
from cocoon.exports.otel.send import Sender
from cocoon.exports.otel.spans import Telemetry, failed, telemetry
from cocoon.models.journal.reader import JournalReader, opened_journal
from cocoon.running.manifest import read_manifest
from cocoon.running.reading.reader import RunReader

BATCH = 512


class OtelExport:
    """A run to be exported as spans. `content` includes the text of turns, prompts and replies.

    The file and the endpoint get the same spans.
    """

    def __init__(self, run: RunReader, *, content: bool = False) -> None:
        run.refresh()
        if not run.names():
            raise CocoonError(f"{run.path}: has no dialogue to export")
        self.run = run
        self.content = content
        manifest = read_manifest(run.path) if run.path.is_dir() else None
        sessions = manifest.sessions if manifest else []
        self._begun = sessions[0].started if sessions else None
        version = manifest.cocoon if manifest else __version__
        attributes = {"service.name": "cocoon", "service.version": version, "cocoon.run": run.name}
        self.resource = Resource(version, attributes)

    def to_file(self, out: Path, *, force: bool = False) -> int:
        """Write OTLP JSON lines and return the number of spans."""
        refuse_existing(out, force=force)
        count = 0
        with whole_file(out) as partial, partial.open("wb") as file:
            for record in self._telemetry():
                count += len(record.spans)
                file.write(orjson.dumps(spans_request(self.resource, record.spans)) + b"\n")
                if record.events:
                    file.write(orjson.dumps(events_request(self.resource, record.events)) + b"\n")
        return count

    def to_endpoint(self, endpoint: str) -> int:
        """Send to an OTLP/HTTP endpoint and return the number of spans."""
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

    def _key(self, name: str, content: str) -> str:
        """Return the text from which a dialogue's ids are computed.

        It is the start of the run and the dialogue's name, or the complete dialogue where the run has no start.
        """
        return f"{self._begun}\n{name}" if self._begun is not None else content


def run_date(run: RunReader) -> float:
    """Return the date of the file of dialogues, in seconds since 1970."""
    return run.dialogues.path.stat().st_mtime


def _batches(dialogues: Iterator[Telemetry]) -> Iterator[tuple[list[SpanRecord], list[EventRecord]]]:
    spans: list[SpanRecord] = []
    events: list[EventRecord] = []
    for record in dialogues:
        spans += record.spans
        events += record.events
        if len(spans) >= BATCH or record.texts is not None:
            yield spans, events
            spans, events = [], []
    if spans:
        yield spans, events
