"""The benchmark workload driven by other tools, each as its own process.

    python benchmarks/orchestration/peers.py httpx|openai|openevals|inspect --base-url http://127.0.0.1:8000/v1

N dialogues of T rounds (user, then supporter, histories growing) and five judge calls for each dialogue.
Prints one JSON line. A dialogue of one round runs first, unmeasured, so that nobody pays for imports; the
endpoint's counts are reset after it. Runs without this package: the tools may live in an environment of
their own.
"""

import argparse
import asyncio
import importlib
import json
import os
import resource
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

Message = dict[str, Any]
Complete = Callable[[dict[str, Any]], Awaitable[str]]
JUDGES = ("named", "attributed", "basic", "comfort", "competence")
_ITEMS = [str(number) for number in range(1, 11)]
_ITEM = {"type": "integer", "minimum": 1, "maximum": 7}
SCORES: dict[str, Any] = {
    "type": "object",
    "properties": {name: _ITEM for name in _ITEMS},
    "required": _ITEMS,
    "additionalProperties": False,
}
_RESPONSE_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "scores", "schema": SCORES, "strict": True},
}
_USER = "You are person {number} and talk about a trouble you have. " + "You hold back what weighs on you most. " * 32
_SUPPORTER = "You listen and put into words what you hear. " + "Keep to one or two sentences and do not advise. " * 24
_JUDGE = "Rate {judge} on ten items from 1 to 7. " + "Each item stands for itself and is judged by the words. " * 24


@dataclass(frozen=True)
class Workload:
    """How much is to be done: N dialogues, T rounds of two calls, five judges, C calls at once."""

    base_url: str
    dialogues: int
    rounds: int
    connections: int

    @property
    def calls(self) -> int:
        """Model calls of the whole workload."""
        return self.dialogues * (2 * self.rounds + len(JUDGES))


class Driver(Protocol):
    """Runs a workload to its end and returns the number of readable judge answers."""

    def __call__(self, work: Workload) -> Awaitable[int] | int: ...


def user_view(number: int, said: list[str]) -> list[Message]:
    """The dialogue as person `number` sees it; the first words are theirs."""
    turns = [{"role": ("assistant", "user")[i % 2], "content": text} for i, text in enumerate(said)]
    begin = {"role": "user", "content": "(begin)"}
    return [{"role": "system", "content": _USER.format(number=number)}, begin, *turns]


def supporter_view(said: list[str]) -> list[Message]:
    """The dialogue as the supporter sees it."""
    turns = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)]
    return [{"role": "system", "content": _SUPPORTER}, *turns]


def judge_view(judge: str, said: list[str]) -> list[Message]:
    """The finished dialogue as one judge sees it."""
    lines = [f"[{i}] {('User', 'Supporter')[i % 2]}: {text}" for i, text in enumerate(said)]
    system = {"role": "system", "content": _JUDGE.format(judge=judge)}
    return [system, {"role": "user", "content": "\n".join(lines)}]


def readable(text: str) -> int:
    """1 when a judge answer holds all items, else 0."""
    try:
        return int(set(json.loads(text)) == set(_ITEMS))
    except ValueError:
        return 0


def body(messages: list[Message], judged: bool = False) -> dict[str, Any]:
    """The request for one call."""
    return {"model": "bench", "messages": messages} | ({"response_format": _RESPONSE_FORMAT} if judged else {})


async def _loop(work: Workload, complete: Complete) -> int:
    """The workload as a plain asyncio program over one function that makes a call."""
    limit = asyncio.Semaphore(work.connections)

    async def limited(request: dict[str, Any]) -> str:
        async with limit:
            return await complete(request)

    async def dialogue(number: int) -> int:
        said: list[str] = []
        for _ in range(work.rounds):
            said.append(await limited(body(user_view(number, said))))
            said.append(await limited(body(supporter_view(said))))
        answers = await asyncio.gather(*(limited(body(judge_view(judge, said), True)) for judge in JUDGES))
        return sum(map(readable, answers))

    return sum(await asyncio.gather(*map(dialogue, range(work.dialogues))))


def httpx_loop() -> Driver:
    """The floor: a bare `httpx` client."""
    httpx = importlib.import_module("httpx")

    async def run(work: Workload) -> int:
        limits = httpx.Limits(max_connections=work.connections, max_keepalive_connections=work.connections)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:

            async def complete(request: dict[str, Any]) -> str:
                response = await client.post(work.base_url + "/chat/completions", json=request)
                response.raise_for_status()
                return response.json()["choices"][0]["message"]["content"]

            return await _loop(work, complete)

    return run


def openai_loop() -> Driver:
    """The same loop over the SDK's client."""
    openai = importlib.import_module("openai")

    async def run(work: Workload) -> int:
        async with openai.AsyncOpenAI(base_url=work.base_url, api_key="none") as client:

            async def complete(request: dict[str, Any]) -> str:
                return (await client.chat.completions.create(**request)).choices[0].message.content

            return await _loop(work, complete)

    return run


def openevals_simulation() -> Driver:
    """`run_multiturn_simulation_async` for each dialogue, with a semaphore for want of a limit of its own."""
    openai = importlib.import_module("openai")
    simulate = importlib.import_module("openevals.simulators").run_multiturn_simulation_async

    async def run(work: Workload) -> int:
        limit = asyncio.Semaphore(work.connections)
        async with openai.AsyncOpenAI(base_url=work.base_url, api_key="none") as client:

            async def complete(messages: list[Message], judged: bool = False) -> str:
                async with limit:
                    reply = await client.chat.completions.create(**body(messages, judged))
                return reply.choices[0].message.content

            talks = [_openevals_talk(simulate, complete, number, work.rounds) for number in range(work.dialogues)]
            return sum(await asyncio.gather(*talks))

    return run


async def _openevals_talk(simulate: Any, complete: Callable[..., Awaitable[str]], number: int, rounds: int) -> int:
    heard: list[str] = []

    async def app(message: Message, **_: Any) -> Message:
        heard.append(message["content"])
        heard.append(await complete(supporter_view(heard)))
        return {"role": "assistant", "content": heard[-1]}

    async def user(trajectory: list[Message], **_: Any) -> Message:
        said = [message["content"] for message in trajectory]
        return {"role": "user", "content": await complete(user_view(number, said))}

    async def judges(*, outputs: list[Message], **_: Any) -> list[Any]:
        said = [message["content"] for message in outputs]
        answers = await asyncio.gather(*(complete(judge_view(judge, said), True) for judge in JUDGES))
        return [{"key": judge, "score": readable(text)} for judge, text in zip(JUDGES, answers, strict=True)]

    result = await simulate(
        app=app, user=user, max_turns=rounds, trajectory_evaluators=[judges], thread_id=f"dialogue-{number}"
    )
    return sum(each["score"] for each in result["evaluator_results"])


def inspect_eval() -> Driver:
    """`inspect_ai.eval` with a solver that talks and a scorer that judges, live views and servers off."""
    ai, solver_, scorer_, model_, util_, dataset_ = (
        importlib.import_module(f"inspect_ai{name}")
        for name in ("", ".solver", ".scorer", ".model", ".util", ".dataset")
    )
    makers = {
        "system": model_.ChatMessageSystem,
        "user": model_.ChatMessageUser,
        "assistant": model_.ChatMessageAssistant,
    }
    judged_answers: list[int] = []
    form = model_.ResponseSchema(name="scores", json_schema=util_.JSONSchema.model_validate(SCORES), strict=True)

    async def complete(role: str, messages: list[Message], config: Any) -> str:
        typed = [makers[message["role"]](content=message["content"]) for message in messages]
        return (await model_.get_model(role=role).generate(typed, config=config)).completion

    @solver_.solver
    def talk(rounds: int) -> Any:
        async def solve(state: Any, generate: Any) -> Any:  # noqa: ARG001 (the signature is inspect's)
            said, plain = [], model_.GenerateConfig()
            for _ in range(rounds):
                said.append(await complete("user", user_view(state.metadata["number"], said), plain))
                said.append(await complete("supporter", supporter_view(said), plain))
            state.metadata["said"] = said
            return state

        return solve

    @scorer_.scorer(metrics={"*": [scorer_.mean()]})
    def judged() -> Any:
        async def score(state: Any, target: Any) -> Any:  # noqa: ARG001 (the signature is inspect's)
            config = model_.GenerateConfig(response_schema=form)
            asked = [complete("judge", judge_view(judge, state.metadata["said"]), config) for judge in JUDGES]
            marks = [readable(text) for text in await asyncio.gather(*asked)]
            judged_answers.extend(marks)
            return scorer_.Score(value=dict(zip(JUDGES, marks, strict=True)))

        return score

    def run(work: Workload) -> int:
        judged_answers.clear()
        samples = [dataset_.Sample(id=i + 1, input="-", metadata={"number": i}) for i in range(work.dialogues)]
        task = ai.Task(dataset=dataset_.MemoryDataset(samples), solver=talk(work.rounds), scorer=judged())
        model = model_.get_model("openai/bench", base_url=work.base_url, api_key="none", responses_api=False)
        with tempfile.TemporaryDirectory() as logs:
            (log,) = ai.eval(
                task,
                model=model,
                model_roles=dict.fromkeys(("user", "supporter", "judge"), model),
                max_connections=work.connections,
                max_samples=work.dialogues,
                display="none",
                log_realtime=False,
                score_display=False,
                acp_server=False,
                ctl_server=False,
                log_dir=logs,
            )
        if log.status != "success":
            raise RuntimeError(f"inspect_ai ended with status {log.status!r}: {log.error}")
        return sum(judged_answers)

    return run


DRIVERS: dict[str, tuple[Callable[[], Driver], str]] = {
    "httpx": (httpx_loop, "httpx"),
    "openai": (openai_loop, "openai"),
    "openevals": (openevals_simulation, "openevals"),
    "inspect": (inspect_eval, "inspect_ai"),
}


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _http(base_url: str, path: str, data: bytes | None = None) -> dict[str, Any]:
    with urllib.request.urlopen(urllib.request.Request(base_url + path, data=data), timeout=30) as reply:
        return json.load(reply)


def _run(driver: Driver, work: Workload) -> int:
    made = driver(work)
    return made if isinstance(made, int) else asyncio.run(_awaited(made))


async def _awaited(made: Awaitable[int]) -> int:
    return await made


def measure(name: str, work: Workload) -> dict[str, Any]:
    """Run one driver and tell calls, seconds of wall and CPU, MB of peak memory and the endpoint's counts."""
    make, package = DRIVERS[name]
    driver = make()
    _run(driver, Workload(work.base_url, 1, 1, work.connections))
    _http(work.base_url, "/reset", b"{}")
    cpu, wall = _cpu_seconds(), time.perf_counter()
    judged = _run(driver, work)
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    stats = _http(work.base_url, "/stats")
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "system": name,
        "version": version(package),
        "python": sys.version.split()[0],
        "dialogues": work.dialogues,
        "rounds": work.rounds,
        "connections": work.connections,
        "calls": stats["answered"],
        "expected_calls": work.calls,
        "complete": stats["answered"] == work.calls and judged == work.dialogues * len(JUDGES),
        "judged": judged,
        "wall_s": wall,
        "cpu_s": cpu,
        "cpu_s_total": _cpu_seconds(),
        "peak_rss_mb": max(peaks) / 1024,
        "stats": stats,
    }


def main() -> None:
    """Parse, measure, print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(DRIVERS))
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--dialogues", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    os.environ |= {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
    work = Workload(options.base_url.rstrip("/"), options.dialogues, options.rounds, options.connections)
    print(json.dumps(measure(options.name, work)))


if __name__ == "__main__":
    main()
