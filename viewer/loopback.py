"""What every page of this machine is served with: its own names alone, a strict content policy, nothing kept."""

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
    # A page that rebinds its name to 127.0.0.1 gives itself away by its Host header, one of another site by Origin.
    given = [f"//{request.headers.get('Host', '')}", *request.headers.getall("Origin", [])]
    if any(_host(address) not in LOCAL_NAMES for address in given):
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
    """The middleware of all pages."""
    return _checked


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
