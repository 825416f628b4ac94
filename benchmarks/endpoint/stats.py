"""What the endpoint counts, and its log of requests."""

import time
from collections import Counter
from typing import IO, Any, Protocol

import orjson

from cocoon.benchmarks.endpoint.answers import Prompt

_LISTED = 1000


class Counted(Protocol):
    """The parts of a call that are counted."""

    prompt: Prompt
    received: float
    attempt: int
    fault: Any
    service: float


class Statistics:
    """Counts since the last reset, and one log line per request that ended.

    `answered` are whole replies with status 200, flawed ones too. `service_s` sums the drawn times of all
    calls that held a place to their end. `longest_chain_s` is the longest run of answers of which each stood
    in the next one's prompt: no client can be faster.
    """

    def __init__(self, log: IO[str] | None) -> None:
        self._log = log
        self.clear()

    def clear(self) -> None:
        """Start again from nothing."""
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.service_s = 0.0
        self.first: float | None = None
        self.last: float | None = None
        self.max_in_flight = 0
        self._answers: dict[str, list[float]] = {}
        self._left: Counter[str] = Counter()
        self._chains: dict[int, float] = {}
        self._cpu = time.process_time()

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def received(self, now: float) -> None:
        """A chat completion was asked for."""
        self.counts["calls"] += 1
        if self.first is None:
            self.first = now

    def started(self, in_flight: int) -> None:
        """A call took a place."""
        self.max_in_flight = max(self.max_in_flight, in_flight)

    def rejected(self, call: Counted) -> None:
        """Turned away at the cap."""
        self.counts["rejected"] += 1
        self._write(call, "rejected")

    def refused(self, call: Counted) -> None:
        """Turned away for its response format."""
        self.counts["refused"] += 1
        self._write(call, "refused")

    def failed(self, call: Counted) -> None:
        """A drawn fault instead of an answer."""
        self.faults[call.fault] += 1
        self.service_s += call.service
        self._write(call, call.fault)

    def abandoned(self, call: Counted) -> None:
        """The client left before the answer; a hang always ends so."""
        if call.fault == "hang":
            self.faults["hang"] += 1
            self._write(call, "hang")
            return
        self.counts["abandoned"] += 1
        self._left[call.prompt.sha] += 1
        self._write(call, "abandoned")

    def answered(self, call: Counted, text: str) -> None:
        """A whole reply with status 200 was handed to the connection."""
        self.last = time.time()
        self.counts["answered"] += 1
        self.counts["prompt_tokens"] += call.prompt.tokens
        self.counts["completion_tokens"] += len(text) // 4
        self.service_s += call.service
        self._answers.setdefault(call.prompt.sha, []).append(self.last)
        self._chain(call, text)
        if call.fault is not None:
            self.faults[call.fault] += 1
        self._write(call, call.fault or "answered")

    def _chain(self, call: Counted, text: str) -> None:
        """Go on from the latest answers that stand in the prompt, as messages or lines of a transcript."""
        said = call.prompt.texts[-3:]
        said += _utterances(call.prompt.last_user) if len(said) < 3 else []
        before = max(self._chains.get(hash(each), 0.0) for each in said)
        self._chains[hash(text)] = before + call.service

    def snapshot(self) -> dict[str, Any]:
        """Everything, JSON-ready; times are seconds of the epoch."""
        again = {sha: times for sha, times in self._answers.items() if len(times) > 1}
        listed = [{"sha": sha, "times": times} for sha, times in list(again.items())[:_LISTED]]
        names = (
            "calls",
            "answered",
            "rejected",
            "refused",
            "abandoned",
            "prompt_tokens",
            "completion_tokens",
        )
        return {
            **{name: self.counts[name] for name in names},
            "faults": dict(self.faults),
            "max_in_flight": self.max_in_flight,
            "first": self.first,
            "last": self.last,
            "service_s": self.service_s,
            "longest_chain_s": max(self._chains.values(), default=0.0),
            "repeated_answers": sum(len(times) - 1 for times in again.values()),
            "asked_after_abandon": sum(1 for sha in self._left if sha in self._answers),
            "duplicates": {"count": len(again), "prompts": listed},
            "endpoint_cpu_s": time.process_time() - self._cpu,
        }

    def _write(self, call: Counted, status: str) -> None:
        if self._log is None:
            return
        line = {
            "sha": call.prompt.sha, "attempt": call.attempt, "started": call.received,
            "ended": time.time(), "service": call.service, "status": status,
        }  # fmt: skip
        self._log.write(orjson.dumps(line).decode() + "\n")


def _utterances(text: str) -> list[str]:
    """The words behind the first colon of each of the last lines."""
    lines = text[-4000:].splitlines()
    return [words.strip() for line in lines for _, mark, words in [line.replace("：", ":", 1).partition(":")] if mark]
