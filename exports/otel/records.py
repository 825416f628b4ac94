"""Spans and events as OpenTelemetry defines them, as plain values and as OTLP's JSON with one request per line.

The sources are https://opentelemetry.io/docs/specs/otlp/ (JSON) and the file exporter's specification. Nothing is
imported for it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Value = str | bool | int | float | Sequence[str] | Sequence[int]
# The last core release that defines gen_ai.*. The conventions' own repository has every name used here too.
SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
SCOPE = "cocoon"
INTERNAL, CLIENT = 1, 3
ERROR = 2
INFO = 9


@dataclass(frozen=True)
class SpanRecord:
    """A span. Ids are in hex, times in nanoseconds since 1970, and `kind` has OTLP's numbers."""

    trace: str
    span: str
    parent: str | None
    name: str
    kind: int
    start: int
    end: int
    attributes: Mapping[str, Value] = field(default_factory=dict)
    failed: bool = False


@dataclass(frozen=True)
class EventRecord:
    """An event of the Logs API, within a span."""

    trace: str
    span: str
    name: str
    time: int
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Resource:
    """The sender: `service.name` and the other attributes that all spans share."""

    version: str
    attributes: Mapping[str, Value] = field(default_factory=dict)


def span_identity(digits: int, *parts: object) -> str:
    """Return an id of `digits` hex digits that is the same for the same parts.

    It is never all zeros, which OTLP forbids.
    """
    content = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(content, digest_size=digits // 2).hexdigest()
    return digest if int(digest, 16) else "1".rjust(digits, "0")


def spans_request(resource: Resource, spans: Sequence[SpanRecord]) -> dict[str, Any]:
    """Return an ExportTraceServiceRequest as JSON."""
    scope = {"scope": {"name": SCOPE, "version": resource.version}, "schemaUrl": SCHEMA_URL}
    scope_spans = [{**scope, "spans": [_span(span) for span in spans]}]
    return {"resourceSpans": [{**_resource(resource), "scopeSpans": scope_spans}]}


def events_request(resource: Resource, events: Sequence[EventRecord]) -> dict[str, Any]:
    """Return an ExportLogsServiceRequest as JSON."""
    scope = {"scope": {"name": SCOPE, "version": resource.version}, "schemaUrl": SCHEMA_URL}
    scope_logs = [{**scope, "logRecords": [_event(event) for event in events]}]
    return {"resourceLogs": [{**_resource(resource), "scopeLogs": scope_logs}]}


def _resource(resource: Resource) -> dict[str, Any]:
    return {"resource": {"attributes": _attributes(resource.attributes)}, "schemaUrl": SCHEMA_URL}


def _span(span: SpanRecord) -> dict[str, Any]:
    return {
        "traceId": span.trace,
        "spanId": span.span,
        **({"parentSpanId": span.parent} if span.parent else {}),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _attributes(span.attributes),
        **({"status": {"code": ERROR}} if span.failed else {}),
    }


def _event(event: EventRecord) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event.time),
        "observedTimeUnixNano": str(event.time),
        "severityNumber": INFO,
        "eventName": event.name,
        "traceId": event.trace,
        "spanId": event.span,
        "attributes": _attributes(event.attributes),
    }


def _attributes(attributes: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"arrayValue": {"values": [_value(element) for element in value]}}
