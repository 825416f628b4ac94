"""Settings of the whole test run: no tracing, no hub, one thread per process, and no network but loopback."""

import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cocoon.tests.browser import chromium
from cocoon.tests.embedded_model import convert_embedded_model, shallow_weights

REPOSITORY = Path(__file__).resolve().parent.parent
SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

# Set on import and not in a fixture: torch, transformers and langsmith read these once, when first imported.
os.environ.update(SETTINGS)
# The servers of tests are on this machine, and a proxy is none of theirs.
for name in [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")]:
    del os.environ[name]
# Shared by all workers and all runs: converting the embedded model takes many seconds.
os.environ.setdefault("COCOON_CACHE", str(REPOSITORY / ".cache" / "cocoon"))

INTERNET = (socket.AF_INET, socket.AF_INET6)
LOCAL_NAMES = ("", "localhost", "ip6-localhost")


class NetworkForbiddenError(RuntimeError):
    """A test reached for a host other than this machine.

    Not an `OSError`, so that code which retries network failures does not take it for one.
    """


def is_local(host: object) -> bool:
    """Whether `host` (name or address, str or bytes, or none for any own address) is this machine."""
    name = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
    if name is None or (isinstance(name, str) and name.lower().rstrip(".") in LOCAL_NAMES):
        return True
    try:
        address = ipaddress.ip_address(str(name))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback or address.is_unspecified


class NetworkGuard:
    """Replaces what every Python client goes through: name look-up, connect and sendto.

    `attempts` lists refused hosts, so that a test fails even when the code under test swallows the exception.
    """

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self._undo = pytest.MonkeyPatch()

    def check(self, host: object) -> None:
        """Raises `NetworkForbiddenError` unless `host` is this machine."""
        if not is_local(host):
            self.attempts.append(repr(host))
            raise NetworkForbiddenError(f"tests may not reach {host!r}: start a server on 127.0.0.1 instead")

    def install(self) -> None:
        """Puts the guard in place, for this process and all its threads."""
        for name in ("connect", "connect_ex", "sendto"):
            self._undo.setattr(socket.socket, name, self._method(getattr(socket.socket, name)))
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            self._undo.setattr(socket, name, self._lookup(getattr(socket, name)))

    def remove(self) -> None:
        """Puts back what `install` replaced."""
        self._undo.undo()

    def _method(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(sock: socket.socket, *arguments: Any) -> Any:
            if sock.family in INTERNET and isinstance(arguments[-1], tuple):
                self.check(arguments[-1][0])
            return real(sock, *arguments)

        return guarded

    def _lookup(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(host: object, *arguments: Any, **options: Any) -> Any:
            self.check(host)
            return real(host, *arguments, **options)

        return guarded


GUARD = NetworkGuard()


def pytest_configure() -> None:
    """Forbids the network before the first test module is imported."""
    GUARD.install()


def pytest_unconfigure() -> None:
    """Gives the network back to whatever runs after the tests in this process."""
    GUARD.remove()


@pytest.fixture(autouse=True)
def network() -> Iterator[NetworkGuard]:
    """Fails a test (or what ran just before it) that tried to reach another machine."""
    yield GUARD
    attempts, GUARD.attempts = GUARD.attempts, []
    assert not attempts, f"tried to reach {', '.join(attempts)}"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the tree under test, which is the package folder itself."""
    return REPOSITORY


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium_of_all_tests() -> AsyncIterator[Any]:
    """A headless Chromium, started once for all tests of a worker."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium_of_all_tests: Any) -> AsyncIterator[Any]:
    """The shared Chromium, without the pages and the storage of the tests before."""
    yield chromium_of_all_tests
    for context in chromium_of_all_tests.contexts:
        await context.close()


@pytest.fixture(autouse=True)
def converted_once(request: pytest.FixtureRequest) -> None:
    """Let one worker alone unpack the embedded model before the first slow test. Two would do the work twice."""
    if request.node.get_closest_marker("slow") is not None:
        convert_embedded_model()


@pytest.fixture
def shallow_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chats on a local model use its first layers alone: a tenth of the work, and replies that mean less still."""
    monkeypatch.setattr("cocoon.models.local.base.load_weights", shallow_weights)
