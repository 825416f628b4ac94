"""Decide who may ask a server of this machine, and how large a request may be. All servers here are built by it.

docs/decisions/guard.md says against whom each rule stands.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any
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
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
LARGEST_BODY = 64 * 1024
DEEPEST_BODY = 64
"""Levels of objects and arrays in a body."""
_OWN_SITES = frozenset({"same-origin", "none"})
_SENDS = frozenset({"POST", "PUT", "PATCH"})
SecretCheck = Callable[[web.Request], None]
"""Raises web.HTTPException, or an error of the application's own, for a request without the server's secret."""


def guarded_application(
    check_secret: SecretCheck,
    *,
    names: Set[str] = LOCAL_NAMES,
    largest_body: int = LARGEST_BODY,
    outer: Sequence[Middleware] = (),
) -> web.Application:
    """Return an application without routes that answers only whom the guard admits.

    A request must be made to one of `names`, by no page of another origin, and pass `check_secret`. `outer` are
    middlewares that see the guard's refusals, for errors in a shape of the application's own.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        _check_origin(request, names)
        check_secret(request)
        _check_body_kind(request)
        return await handler(request)

    app = web.Application(middlewares=[*outer, guard], client_max_size=largest_body)
    app.on_response_prepare.append(_add_headers)
    return app


def new_secret() -> str:
    """Return a secret that nobody can guess, in characters that an address and a header may have."""
    return secrets.token_urlsafe(24)


def is_secret(text: str, secret: str) -> bool:
    """Return whether a text is the secret, in a time that does not depend on how much of it is right."""
    return secrets.compare_digest(text.encode("utf-8", "replace"), secret.encode())


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _check_origin(request: web.Request, names: Set[str]) -> None:
    """Refuse a request that was made to another name, or by a page of another origin.

    The Host header reveals a page that rebinds its name to 127.0.0.1. Browsers add Origin and Sec-Fetch-Site, which no
    page can change. A page on another port of this machine is another origin too.
    """
    addresses = [f"//{request.headers.get('Host', '')}", *request.headers.getall("Origin", [])]
    if not all(_host(address) in names for address in addresses):
        raise web.HTTPForbidden(text="this server answers only requests made to its own address")
    sites = request.headers.getall("Sec-Fetch-Site", [])
    if not (_OWN_SITES.issuperset(sites) or _opens_a_page(request)):
        raise web.HTTPForbidden(text="this server answers no page of another origin")


def _opens_a_page(request: web.Request) -> bool:
    """Return whether somebody follows a link. The page that has the link cannot read what is opened."""
    asked = (request.method, request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest"))
    return asked == ("GET", "navigate", "document")


def _check_body_kind(request: web.Request) -> None:
    """Refuse a body that is not plain JSON in UTF-8.

    No page can send application/json to another origin without asking first. A compressed body is not inflated at all.
    """
    if "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType(text="send the body as it is, without Content-Encoding")
    if request.method in _SENDS and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json")
    if (request.charset or "utf-8").lower().replace("_", "-") not in ("utf-8", "utf8"):
        raise web.HTTPBadRequest(text="send the body in UTF-8")


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def read_json_object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in a body. Raises web.HTTPBadRequest where it has none, or one that is too deep."""
    try:
        value = json.loads((await request.read()).decode("utf-8"))
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="the body is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    if is_deeper(value, DEEPEST_BODY):
        raise web.HTTPBadRequest(text=f"the body has more than {DEEPEST_BODY} levels")
    return value


def is_deeper(value: Any, limit: int) -> bool:
    """Return whether a JSON value has more than `limit` levels of objects and arrays."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        level = [child for node in level for child in _children(node) if isinstance(child, dict | list)]
    return bool(level)


def _children(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node
