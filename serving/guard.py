"""Decide who may ask: programs on this machine, but no web page that is open in one of its browsers."""

import hmac
import os

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from cocoon.serving.api_errors import ApiError, as_api_error
from cocoon.serving.loopback import is_for_names

KEY_NAME = "COCOON_SERVER_KEY"


def guard(names: frozenset[str]) -> Middleware:
    """Return a middleware that answers only requests made to one of `names`, with errors in OpenAI's shape.

    Bodies must be application/json, so no page can send a body without asking first. If COCOON_SERVER_KEY is set, it is
    required as the bearer token.
    """
    key = os.environ.get(KEY_NAME, "").strip()

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if not is_for_names(request, names):
                raise ApiError(403, "this server answers only requests made to its own address; see --allow-host")
            if key and request.path != "/health":
                _check_key(request, key)
            return await handler(request)
        except web.HTTPException as error:
            return _answer(ApiError(error.status, f"{request.method} {request.path}: {error.reason}"))
        except Exception as error:
            return _answer(as_api_error(error))

    return checked


def _answer(error: ApiError) -> web.Response:
    headers = {"Retry-After": "1"} if error.status == 429 else {}
    return web.json_response(error.body(), status=error.status, headers=headers)


def _check_key(request: web.Request, key: str) -> None:
    client_key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not hmac.compare_digest(client_key.encode(), key.encode()):
        raise ApiError(401, f"a key is required: send the server's {KEY_NAME} as bearer token", code="invalid_api_key")
