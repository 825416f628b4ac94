"""The key of the OpenAI-compatible server, which its clients send as bearer token."""

import os

from aiohttp import web

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import SERVER_KEY
from cocoon.serving.api_errors import ApiError
from cocoon.serving.guard import SecretCheck, is_secret, new_secret


def api_key(variable: str | None) -> tuple[str, bool]:
    """Return the key in a variable of the environment, and whether it is a new one of this start.

    Without a variable the key is that of COCOON_SERVER_KEY, or a new one where that is not set. Raises CocoonError for
    a variable without a key, and for characters that a header cannot have.
    """
    name = SERVER_KEY if variable is None else variable
    key = os.environ.get(name, "").strip()
    if not key and variable is not None:
        raise CocoonError(f"--api-key-env {variable}: this variable is not set; set it to the key that clients send")
    if not (key.isascii() and key.isprintable()):
        raise CocoonError(f"{name} has characters that no key has (its value is not shown); set it again")
    return (key, False) if key else (new_secret(), True)


def key_check(key: str) -> SecretCheck:
    """Return the check that a request has the key. /health needs none."""

    def check(request: web.Request) -> None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if request.path != "/health" and not is_secret(bearer, key):
            raise ApiError(
                401, f"send the key that `cocoon serve` printed, or {SERVER_KEY}, as API key", code="invalid_api_key"
            )

    return check
