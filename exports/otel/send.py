"""Send spans and events to an OTLP/HTTP endpoint, with OpenTelemetry's own exporters (extra `otel`)."""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cocoon.core.errors import CocoonError
from cocoon.core.extras import install_line
from cocoon.core.model_spec import without_secrets
from cocoon.exports.otel.records import SCHEMA_URL, SCOPE, EventRecord, Resource, SpanRecord

TIMEOUT = 20.0


class Sender:
    """Sends protobuf to `endpoint`/v1/traces and `endpoint`/v1/logs.

    Raises CocoonError when the endpoint does not accept what was sent.
    """

    def __init__(self, endpoint: str, resource: Resource) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource as SdkResource
            from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        except ImportError:
            raise CocoonError(
                f"--endpoint needs OpenTelemetry; install it with `{install_line('otel')}`, or write a file with -o"
            ) from None
        # Our own error reports a failure, so the library's log would repeat it.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self.endpoint = endpoint.rstrip("/")
        self._traces = OTLPSpanExporter(f"{self.endpoint}/v1/traces", timeout=TIMEOUT)
        self._logs = OTLPLogExporter(f"{self.endpoint}/v1/logs", timeout=TIMEOUT)
        self._resource = SdkResource(dict(resource.attributes), SCHEMA_URL)
        self._scope = InstrumentationScope(SCOPE, resource.version, SCHEMA_URL)

    def send(self, spans: Sequence[SpanRecord], events: Sequence[EventRecord]) -> None:
        """Send spans and events."""
        self._check(self._traces.export([self._span(span) for span in spans]) if spans else None)
        self._check(self._logs.export([self._event(event) for event in events]) if events else None)

    def close(self) -> None:
        """Close the connections."""
        self._traces.shutdown()
        self._logs.shutdown()

    def _check(self, result: Any) -> None:
        if result is not None and result.name != "SUCCESS":
            address = without_secrets(self.endpoint)
            raise CocoonError(
                f"{address}: did not accept the spans; is an OTLP/HTTP receiver (protobuf) listening there?"
            )

    def _span(self, span: SpanRecord) -> Any:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.status import Status, StatusCode

        return ReadableSpan(
            span.name,
            context=_context(span.trace, span.span),
            parent=_context(span.trace, span.parent) if span.parent else None,
            resource=self._resource,
            attributes=dict(span.attributes),
            kind=SpanKind(span.kind - 1),
            status=Status(StatusCode.ERROR) if span.failed else Status(StatusCode.UNSET),
            start_time=span.start,
            end_time=span.end,
            instrumentation_scope=self._scope,
        )

    def _event(self, event: EventRecord) -> Any:
        from opentelemetry._logs import LogRecord, SeverityNumber
        from opentelemetry.sdk._logs import ReadableLogRecord
        from opentelemetry.trace import NonRecordingSpan, set_span_in_context

        record = LogRecord(
            timestamp=event.time,
            observed_timestamp=event.time,
            context=set_span_in_context(NonRecordingSpan(_context(event.trace, event.span))),
            severity_number=SeverityNumber.INFO,
            attributes=dict(event.attributes),
            event_name=event.name,
        )
        return ReadableLogRecord(record, self._resource, self._scope)


def _context(trace: str, span: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def endpoint_host(endpoint: str) -> str:
    """Return the host that an endpoint's address names.

    Raises CocoonError for an address that is not an http address.
    """
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise CocoonError(f"--endpoint {without_secrets(endpoint)!r}: give an address such as http://127.0.0.1:4318")
    return f"{url.hostname}:{url.port}" if url.port else url.hostname
