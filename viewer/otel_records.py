"""Spans and events as OpenTelemetry defines them, as plain values; and as OTLP's JSON, one request a line.

https://opentelemetry.io/docs/specs/otlp/ (JSON) and the file exporter's specification; nothing is imported for it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Value = str | bool | int | float | Sequence[str] | Sequence[int]
# The last core release that defines gen_ai.*. Every name used here stands in the conventions' own repository too.
SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
SCOPE = "cocoon"
INTERNAL, CLIENT = 1, 3
ERROR = 2
INFO = 9


@dataclass(frozen=True)
class SpanRecord:
    """A span; ids in hex, times in nanoseconds since 1970, `kind` as OTLP numbers it."""

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
    """Who speaks: `service.name` and what else is the same for all."""

    version: str
    attributes: Mapping[str, Value] = field(default_factory=dict)


def identity(digits: int, *parts: object) -> str:
    """An id of so many hex digits that the same parts give again; never all zeros, which OTLP forbids."""
    whole = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    found = hashlib.blake2b(whole, digest_size=digits // 2).hexdigest()
    return found if int(found, 16) else "1".rjust(digits, "0")


def spans_request(resource: Resource, spans: Sequence[SpanRecord]) -> dict[str, Any]:
    """An ExportTraceServiceRequest as JSON."""
    scope = {"scope": {"name": SCOPE, "version": resource.version}, "schemaUrl": SCHEMA_URL}
    told = [{**scope, "spans": [_span(one) for one in spans]}]
    return {"resourceSpans": [{**_resource(resource), "scopeSpans": told}]}


def events_request(resource: Resource, events: Sequence[EventRecord]) -> dict[str, Any]:
    """An ExportLogsServiceRequest as JSON."""
    scope = {"scope": {"name": SCOPE, "version": resource.version}, "schemaUrl": SCHEMA_URL}
    told = [{**scope, "logRecords": [_event(one) for one in events]}]
    return {"resourceLogs": [{**_resource(resource), "scopeLogs": told}]}


def _resource(resource: Resource) -> dict[str, Any]:
    return {"resource": {"attributes": _attributes(resource.attributes)}, "schemaUrl": SCHEMA_URL}


def _span(one: SpanRecord) -> dict[str, Any]:
    return {
        "traceId": one.trace,
        "spanId": one.span,
        **({"parentSpanId": one.parent} if one.parent else {}),
        "name": one.name,
        "kind": one.kind,
        "startTimeUnixNano": str(one.start),
        "endTimeUnixNano": str(one.end),
        "attributes": _attributes(one.attributes),
        **({"status": {"code": ERROR}} if one.failed else {}),
    }


def _event(one: EventRecord) -> dict[str, Any]:
    return {
        "timeUnixNano": str(one.time),
        "observedTimeUnixNano": str(one.time),
        "severityNumber": INFO,
        "eventName": one.name,
        "traceId": one.trace,
        "spanId": one.span,
        "attributes": _attributes(one.attributes),
    }


def _attributes(told: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in told.items()]


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"arrayValue": {"values": [_value(one) for one in value]}}
