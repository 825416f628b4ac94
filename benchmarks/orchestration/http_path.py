"""What one chat completion costs the client, by the road it takes: our transport, the SDK's, bare libraries.

    python benchmarks/orchestration/http_path.py --calls 2000 --repeats 3

Every road sends the same request (a system prompt of 1.5 kB and eleven turns, as in the middle of a dialogue) and
reads the text and the token counts of the answer. The endpoint is a process of its own without latency; `connections`
calls are under way at a time. CPU is that of the client's process alone.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from statistics import median
from typing import Any

import aiohttp
import httpx
import orjson
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from cocoon.benchmarks.orchestration.processes import endpoint, environment, save, table
from cocoon.models.remote.endpoint import open_endpoint

Message = dict[str, str]
Complete = Callable[[list[Message]], Awaitable[tuple[str, int]]]
TURNS = [
    {"role": ("user", "assistant")[n % 2], "content": "It has been a long week, and I am fine. " * 5} for n in range(11)
]
LONGEST = 200


def messages(number: int) -> list[Message]:
    """The request's messages; no two requests are equal."""
    return [{"role": "system", "content": f"You are person {number}. " + "You listen and hold back. " * 58}, *TURNS]


def request(number_messages: list[Message]) -> dict[str, Any]:
    """The body that bare libraries send."""
    return {"model": "bench", "messages": number_messages, "temperature": 0.7, "max_tokens": LONGEST}


def read(reply: dict[str, Any]) -> tuple[str, int]:
    """Text and tokens of an answer."""
    return reply["choices"][0]["message"]["content"], reply["usage"]["completion_tokens"]


@asynccontextmanager
async def own(url: str) -> AsyncIterator[Complete]:
    """EndpointChat: LangChain's chat model over our transport."""
    chat = open_endpoint("bench", url)

    async def complete(said: list[Message]) -> tuple[str, int]:
        message = await chat.ainvoke(list(said), temperature=0.7, max_tokens=LONGEST)
        return str(message.content), (message.usage_metadata or {})["output_tokens"]

    yield complete
    await chat.aclose()


@asynccontextmanager
async def chat_openai(url: str) -> AsyncIterator[Complete]:
    """ChatOpenAI as it comes, over the SDK."""
    chat = ChatOpenAI(model="bench", base_url=url, api_key=SecretStr("none"), max_retries=0)

    async def complete(said: list[Message]) -> tuple[str, int]:
        message = await chat.ainvoke(list(said), temperature=0.7, max_tokens=LONGEST)
        return str(message.content), (message.usage_metadata or {})["output_tokens"]

    yield complete
    await chat.root_async_client.close()


@asynccontextmanager
async def sdk(url: str) -> AsyncIterator[Complete]:
    """The SDK's client alone."""
    import openai

    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def complete(said: list[Message]) -> tuple[str, int]:
            reply = await client.chat.completions.create(**request(said))
            return reply.choices[0].message.content, reply.usage.completion_tokens

        yield complete


@asynccontextmanager
async def bare_httpx(url: str) -> AsyncIterator[Complete]:
    """httpx and the standard library's JSON."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def complete(said: list[Message]) -> tuple[str, int]:
            response = await client.post(f"{url}/chat/completions", json=request(said))
            return read(response.raise_for_status().json())

        yield complete


@asynccontextmanager
async def bare_aiohttp(url: str) -> AsyncIterator[Complete]:
    """aiohttp and orjson: what our transport stands on."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def complete(said: list[Message]) -> tuple[str, int]:
            async with session.post(f"{url}/chat/completions", data=orjson.dumps(request(said))) as response:
                response.raise_for_status()
                return read(orjson.loads(await response.read()))

        yield complete


ROADS = {
    "aiohttp alone": bare_aiohttp,
    "httpx alone": bare_httpx,
    "openai SDK alone": sdk,
    "EndpointChat (ours)": own,
    "ChatOpenAI over the SDK": chat_openai,
}


def cpu() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(road: str, url: str, calls: int, connections: int) -> dict[str, float]:
    """CPU ms per call and calls per second on one road, after a tenth of the calls unmeasured."""
    async with ROADS[road](url) as complete:
        await spend(complete, range(-calls // 10, 0), connections)
        before, began = cpu(), time.perf_counter()
        await spend(complete, range(calls), connections)
        return {"cpu_ms": 1000 * (cpu() - before) / calls, "calls_per_s": calls / (time.perf_counter() - began)}


async def spend(complete: Complete, numbers: range, connections: int) -> None:
    """Make all calls, so many at a time; raises when an answer is empty."""
    left = iter(numbers)

    async def worker() -> None:
        for number in left:
            text, tokens = await complete(messages(number))
            if not text or not tokens:
                raise RuntimeError(f"call {number} got no answer")

    await asyncio.gather(*(worker() for _ in range(connections)))


def measured_apart(road: str, options: argparse.Namespace) -> dict[str, float]:
    """One road against a fresh endpoint, in a process of its own."""
    with endpoint(latency=0) as url:
        command = [sys.executable, __file__, "--road", road, "--url", url]
        command += ["--calls", str(options.calls), "--connections", str(options.connections)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Measure every road in turn, several times, so that a busy spell of the machine falls on all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--road", choices=list(ROADS), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.road:
        print(json.dumps(asyncio.run(measure(options.road, options.url, options.calls, options.connections))))
        return
    load = os.getloadavg()[0]
    runs = [(road, measured_apart(road, options)) for _ in range(options.repeats) for road in ROADS]
    rows = []
    for road in ROADS:
        costs = [made["cpu_ms"] for name, made in runs if name == road]
        speeds = [made["calls_per_s"] for name, made in runs if name == road]
        rows.append([road, f"{median(costs):.2f}", f"{min(costs):.2f}", f"{max(speeds):.0f}"])
    print(table(["road", "CPU ms per call (median)", "(least)", "calls/s (most)"], rows))
    packages = {name: version(name) for name in ("aiohttp", "httpx", "openai", "langchain-openai", "langchain-core")}
    told = {"calls": options.calls, "connections": options.connections, "load": load, "versions": packages}
    print(f"\n{told}\nwritten to {save('http_path', told | {'runs': runs})}")


if __name__ == "__main__":
    main()
