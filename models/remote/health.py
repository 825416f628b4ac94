"""Whether a model server is up: it lists its models."""

import asyncio
import time

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import read_served_spec, split_addresses
from cocoon.models.remote.endpoint import EndpointChat, open_endpoint
from cocoon.models.request_errors import RateLimitedError, RefusedError, TransientError

_PAUSE = 2.0


async def await_server(address: str, seconds: float, pause: float = _PAUSE) -> list[str]:
    """Return the models that all servers of an address list, as soon as they do.

    `address` is `http://HOST/v1`, or several with commas between them, or with `#NAME` a row that has to be there.
    Raises CocoonError after so many seconds without an answer, and at once where a server refuses or does not have the
    row.
    """
    urls, _, name = address.partition("#")
    until, listed = time.monotonic() + seconds, list[list[str]]()
    for url in split_addresses(urls):
        listed.append(await _await_one(url, name, seconds, until, pause))
    common = [model for model in listed[0] if all(model in other for other in listed)]
    if not common:
        raise CocoonError(f"{urls}: no model is at all of these servers; the first has {', '.join(listed[0])}")
    return common


async def _await_one(url: str, name: str, seconds: float, until: float, pause: float) -> list[str]:
    chat = open_endpoint(name or "any", url)
    row = read_served_spec(name).base
    try:
        while True:
            names, problem = await _models(chat)
            if row and names and row not in names:
                raise CocoonError(f"{chat.host} is up and has no {row!r}; it has {', '.join(names)}")
            if names:
                return names
            if time.monotonic() + pause > until:
                raise CocoonError(f"{chat.host} was not up after {seconds:g} seconds ({problem}); see its own output")
            await asyncio.sleep(pause)
    finally:
        await chat.aclose()


async def _models(chat: EndpointChat) -> tuple[list[str], str]:
    """Return the models that a server lists, and why there are none."""
    try:
        listed = orjson.loads(await chat.send("GET", "/models"))
        return [str(model["id"]) for model in listed["data"]], "it lists no models"
    except (TransientError, RateLimitedError) as error:
        return [], str(error)
    except (RefusedError, ValueError, KeyError, TypeError) as error:
        raise CocoonError(f"{chat.host} does not list models ({error}); write its address as http://HOST/v1") from None
