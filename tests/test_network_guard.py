"""The switch that keeps tests off the network."""

import asyncio
import socket
import urllib.request
from typing import Any

import aiohttp
import pytest

pytest_plugins = ["pytester"]

ELSEWHERE = "192.0.2.1"  # reserved for documentation (RFC 5737): nothing answers there even without the guard


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_socket_may_not_connect_elsewhere(network: Any, method: str) -> None:
    with socket.socket() as sock, pytest.raises(RuntimeError, match=r"may not reach '192\.0\.2\.1'"):
        getattr(sock, method)((ELSEWHERE, 80))
    assert network.attempts.pop() == repr(ELSEWHERE)


def test_a_datagram_may_not_be_sent_elsewhere(network: Any) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(RuntimeError, match="may not reach"):
        sock.sendto(b"x", (ELSEWHERE, 9))
    network.attempts.clear()


@pytest.mark.parametrize("host", ["example.org", b"example.org", "::2", "10.0.0.1", ELSEWHERE])
def test_no_name_is_looked_up_elsewhere(network: Any, host: str | bytes) -> None:
    with pytest.raises(RuntimeError, match="may not reach"):
        socket.getaddrinfo(host, 80)
    network.attempts.clear()


async def test_clients_are_refused_on_every_path(network: Any) -> None:
    with pytest.raises(RuntimeError, match="may not reach"):
        await asyncio.open_connection(ELSEWHERE, 80)
    with pytest.raises(RuntimeError, match="may not reach"):
        async with aiohttp.ClientSession() as session:
            await session.get("http://example.org/")
    with pytest.raises(RuntimeError, match="may not reach"):
        await asyncio.to_thread(urllib.request.urlopen, "http://example.org/")
    assert len(network.attempts) == 3
    network.attempts.clear()


async def test_loopback_stays_open() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(answer, "localhost", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()


def test_a_swallowed_attempt_still_fails_the_test(pytester: pytest.Pytester, request: Any) -> None:
    pytester.makeconftest((request.config.rootpath / "tests" / "conftest.py").read_text("utf-8"))
    pytester.makepyfile(
        """
        import contextlib, socket

        def test_swallows():
            with contextlib.suppress(Exception):
                socket.create_connection(("192.0.2.1", 80), timeout=1)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*tried to reach '192.0.2.1'*"])
