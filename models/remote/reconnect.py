"""Requests that met a connection which the server had already closed.

Servers may close a connection that they promised to keep (llama.cpp does after every streamed reply). A request that
was written meanwhile gets no answer, and says nothing about how the server is.
"""

import aiohttp


async def ask_anew(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a chat request once more, at once, where the connection ended before the first byte of an answer.

    Other requests are left to their caller, because some may not be sent twice (a batch).
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        if not request.url.path.endswith("/chat/completions"):
            raise
    return await handler(request)
