"""Serve every page of this machine alike: only under its own names, with a strict content policy, nothing stored."""

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@web.middleware
async def _checked(request: web.Request, handler: Handler) -> web.StreamResponse:
    # The Host header reveals a page that rebinds its name to 127.0.0.1, and Origin reveals a page of another site.
    addresses = [f"//{request.headers.get('Host', '')}", *request.headers.getall("Origin", [])]
    if any(_host(address) not in LOCAL_NAMES for address in addresses):
        raise web.HTTPForbidden(text="this page answers only requests made to its own address")
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json")
    try:
        answer = await handler(request)
    except web.HTTPException as refused:
        refused.headers.update(HEADERS)
        raise
    answer.headers.update(HEADERS)
    return answer


def loopback() -> Middleware:
    """Return the middleware of all pages."""
    return _checked


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
