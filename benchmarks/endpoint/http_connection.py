"""The least HTTP/1.1 that JSON clients need: keep-alive, Content-Length bodies, one request at a time."""

import asyncio
from typing import Protocol

_REASONS = {
    200: b"OK", 400: b"Bad Request", 404: b"Not Found", 411: b"Length Required",
    429: b"Too Many Requests", 500: b"Internal Server Error",
}  # fmt: skip


class Server(Protocol):
    """Whoever answers the requests of a connection."""

    def connected(self, connection: "HttpConnection") -> None: ...

    def received(self, connection: "HttpConnection", method: str, path: str, body: bytes) -> None: ...

    def lost(self, connection: "HttpConnection") -> None: ...


class HttpConnection(asyncio.Protocol):
    """One client connection. The server calls `reply` once per request, at any later time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = bytearray()
        self._busy = False
        self._keep = True
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connected(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next_request()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._transport = None
        self._server.lost(self)

    def close(self) -> None:
        """Drop the connection at once, whatever is unsent."""
        if self._transport is not None:
            self._transport.abort()

    def reply(self, status: int, body: bytes, kind: bytes = b"application/json", extra: bytes = b"") -> None:
        """Send a whole answer; `extra` holds further header lines, each ending in CRLF."""
        if self._transport is None:
            return
        self._transport.write(_head(status, len(body), kind, extra) + body)
        self._busy = False
        if not self._keep:
            self._transport.close()
        elif self._buffer:
            self._next_request()

    def cut(self, body: bytes) -> None:
        """Announce the whole body, send half of it and hang up."""
        if self._transport is not None:
            self._transport.write(_head(200, len(body), b"application/json", b"") + body[: len(body) // 2])
            self._transport.close()

    def _next_request(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if self._busy or end < 0:
            return
        head = bytes(self._buffer[:end])
        lowered = head.lower()
        self._keep = b"\r\nconnection: close" not in lowered
        length = _content_length(lowered)
        if length is None:
            self._busy, self._keep = True, False
            self.reply(411, b'{"error": {"message": "send a Content-Length"}}')
            return
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        self._busy = True
        method, path, *_ = [*head.split(b"\r\n", 1)[0].decode("latin-1").split(" "), "", ""]
        self._server.received(self, method, path, body)


def _head(status: int, length: int, kind: bytes, extra: bytes) -> bytes:
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (
        status, _REASONS[status], kind, length, extra,
    )  # fmt: skip


def _content_length(lowered: bytes) -> int | None:
    """Bytes of the body, 0 without one, none when the client sends chunks or nonsense."""
    if b"\r\ntransfer-encoding:" in lowered:
        return None
    mark = lowered.find(b"\r\ncontent-length:")
    if mark < 0:
        return 0
    value = lowered[mark + 17 :].split(b"\r\n", 1)[0].strip()
    return int(value) if value.isdigit() else None
