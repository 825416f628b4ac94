"""Errors in the shape of OpenAI's API, so that any client library reports them correctly."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.core.text import printable_line
from cocoon.models.request_errors import RefusedError

_KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


class ApiError(Exception):
    """An answer that is not a completion: HTTP status, words for people, `code` for programs, `param` at fault."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param

    def body(self) -> dict[str, Any]:
        """Return the JSON object that is sent."""
        kind = _KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


def as_api_error(error: Exception) -> ApiError:
    """Return what a failed reply means to a client.

    For an unexpected error, the client sees only its type.
    """
    if isinstance(error, ApiError):
        return error
    if isinstance(error, RefusedError):
        return ApiError(error.status, printable_line(str(error)), param="response_format")
    if isinstance(error, CallFailedError) and error.reason == "context":
        return ApiError(400, printable_line(str(error)), code="context_length_exceeded", param="messages")
    if isinstance(error, CallFailedError) and error.reason == "messages":
        return ApiError(400, printable_line(str(error)), param="messages")
    if isinstance(error, CallFailedError):
        return ApiError(500, printable_line(str(error)))
    if isinstance(error, CocoonError):
        return ApiError(400, printable_line(str(error)))
    return ApiError(500, f"the server failed: {type(error).__name__}")


@web.middleware
async def openai_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error in OpenAI's shape, also those of the guard and of aiohttp."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _answer(ApiError(error.status, f"{request.method} {request.path}: {error.text}"))
    except Exception as error:
        return _answer(as_api_error(error))


def _answer(error: ApiError) -> web.Response:
    headers = {"Retry-After": "1"} if error.status == 429 else {}
    return web.json_response(error.body(), status=error.status, headers=headers)
