"""Find out what a model or its endpoint can do, with a few tiny calls. Nothing is taken from its documents."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from pydantic import ConfigDict, Field

from cocoon.core.answers import Missing, TypedAnswer, read_answer, schema_of
from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.models.local.libraries import first_line
from cocoon.models.messages import Message
from cocoon.models.remote.silence import limit_silence
from cocoon.models.reply import LEAST_BYTES, raw_reply, read_message, seems_cut
from cocoon.models.request_errors import RateLimitedError, RefusedError, TransientError, classify_error
from cocoon.models.structured import RUNGS, read_json, response_format


class ColourAnswer(TypedAnswer):
    """What every structured probe asks for. Nothing else is taken, because the schema says so."""

    model_config = ConfigDict(extra="forbid")

    colour: Literal["red", "green", "blue"]
    number: Annotated[int, Field(ge=1, le=5)] | None


SCHEMA = schema_of(ColourAnswer)
_FITS = f"Reply with one JSON object that fits this schema and nothing else: {json.dumps(SCHEMA)}"
_CHOOSE = "Choose a colour and a number."
_UNKNOWABLE = "I have thought of a number and told nobody. Choose a colour; my number is null if you cannot know it."
_LONGEST_WAIT = 10.0


class Finding(Record):
    """One result: `found` is yes, no, or None where it could not be decided. `value` is a number beside it."""

    name: str
    found: bool | None
    detail: str = ""
    value: float | None = None


@dataclass
class Attempt:
    """One tiny call: the reply, or the problem on one line. `refused` says that the server refuses such a request."""

    message: AIMessage | None
    seconds: float
    problem: str = ""
    refused: bool = False

    @property
    def text(self) -> str:
        return read_message(self.message, structured=True).speech if self.message else ""


@dataclass
class Prober:
    """Asks one model. `timeout` is in seconds for each call, and `tell` gets a word before each."""

    chat: BaseChatModel
    timeout: float = 30.0
    tell: Callable[[str], None] = lambda _: None
    findings: list[Finding] = field(default_factory=list)
    _prompt_sizes: list[tuple[int, int | None]] = field(default_factory=list)

    async def probe(self, *, local: bool = False) -> bool:
        """Fill `findings` and return whether the model answers at all. If it does not, nothing else is asked."""
        if not await self._answers():
            return False
        await self._seed()
        await self._assistant_first()
        best = await self._rungs()
        await self._null(best)
        self._prompts()
        if local:
            await self._speed()
        return True

    @property
    def _learnt(self) -> set[str]:
        return getattr(self.chat, "learnt", set())

    def _add(self, name: str, found: bool | None, detail: str = "", value: float | None = None) -> None:
        self.findings.append(Finding(name=name, found=found, detail=detail, value=value))

    async def _answers(self) -> bool:
        attempt = await self.ask("an answer", [_user("Say hello in one word.")], max_tokens=16)
        if attempt.message is None:
            self._add("answers", False, attempt.problem)
            return False
        reply = " ".join(attempt.text.split())
        empty = "an empty reply (16 tokens may be too few for a model that thinks first)"
        self._add("answers", bool(reply), repr(reply[:60]) if reply else empty)
        self._add("latency of a short reply, seconds", True, f"{attempt.seconds:.2f}", round(attempt.seconds, 3))
        usage = attempt.message.usage_metadata
        token_counts = (
            f"{usage['input_tokens']} in, {usage['output_tokens']} out" if usage else "no token counts in replies"
        )
        self._add("usage told", usage is not None, token_counts)
        raw, thought = raw_reply(attempt.message), read_message(attempt.message).thought
        thinking = f"{raw.tokens_reasoning} tokens of it" if raw.tokens_reasoning else "kept apart from the words"
        if thought or raw.tokens_reasoning:
            self._add("thinks before it speaks", True, thinking)
        name = getattr(self.chat, "limit_name", None)
        if name:
            self._add("token limit", True, name)
        return True

    async def _seed(self) -> None:
        attempt = await self.ask("seed", [_user("Say hello in one word.")], max_tokens=16, temperature=0.5, seed=1)
        refused = [name for name in ("temperature", "seed") if name in self._learnt]
        if attempt.message is None:
            self._add("temperature and seed accepted", False if attempt.refused else None, attempt.problem)
        else:
            detail = f"refused, and left out: {', '.join(refused)}" if refused else ""
            self._add("temperature and seed accepted", not refused, detail)

    async def _assistant_first(self) -> None:
        talk = [
            {"role": "system", "content": "You are a kind listener."},
            {"role": "assistant", "content": "You look a little tired."},
            _user("A bit, maybe."),
        ]
        attempt = await self.ask("a talk that the supporter opens", talk, max_tokens=16)
        fitted = self._learnt & {"user_first", "no_system"}
        if attempt.message is None:
            self._add("supporter may speak first", False if attempt.refused else None, attempt.problem)
        elif fitted:
            self._add("supporter may speak first", False, f"messages are fitted to its template ({', '.join(fitted)})")
        else:
            self._add("supporter may speak first", True)

    async def _rungs(self) -> str | None:
        """Try every rung of the structured-output ladder and return the best that was obeyed."""
        best = None
        for rung in RUNGS:
            # A schema that is only in the request is obeyed only by a server that constrains replies to it.
            question = _CHOOSE if rung == "json_schema" else f"{_CHOOSE} {_FITS}"
            attempt = await self.ask(f"JSON by {rung}", [_user(question)], max_tokens=120, **_form(rung))
            problem = _problem(attempt)
            self._add(f"JSON by {rung}", _obeyed(attempt, problem), problem or "obeyed")
            best = best or (rung if problem is None else None)
            if mass := _legal_mass(attempt):
                detail = f"{mass:.3f} is the least that the model itself gave to the answers it was held to"
                self._add(f"legal mass by {rung}", True, detail, mass)
        self._add("structured replies", best is not None, best or "none: judges' answers would be missing")
        return best

    async def _null(self, rung: str | None) -> None:
        if rung is None:
            return
        attempt = await self.ask("null", [_user(f"{_UNKNOWABLE} {_FITS}")], max_tokens=120, **_form(rung))
        answer, problem = _read(attempt), _problem(attempt)
        number = None if isinstance(answer, Missing) else answer.number
        detail = problem or f"by {rung}; asked for what it cannot know it answered {json.dumps(number)}"
        self._add("null admitted", problem is None if attempt.message else None, detail)

    def _prompts(self) -> None:
        """Say whether the server counted as many tokens of the prompts as it was sent."""
        counted = [(sent, tokens) for sent, tokens in self._prompt_sizes if tokens is not None and sent >= LEAST_BYTES]
        cut = [f"{tokens} tokens told for {sent} bytes" for sent, tokens in counted if seems_cut(sent, tokens)]
        if counted:
            self._add("whole prompts read", not cut, cut[0] if cut else "")

    async def _speed(self) -> None:
        attempt = await self.ask("speed", [_user("Tell a long story about a river.")], max_tokens=64)
        usage = attempt.message.usage_metadata if attempt.message else None
        if usage is None or not attempt.seconds:
            self._add("tokens per second", None, attempt.problem or "not told")
            return
        rate = usage["output_tokens"] / attempt.seconds
        self._add("tokens per second", True, f"{rate:.0f} ({usage['output_tokens']} tokens alone)", round(rate, 1))

    async def ask(self, what: str, messages: list[Message], **parameters: Any) -> Attempt:
        """Make one call. After a rate limit or a server error, try once more."""
        self.tell(what)
        attempt, wait = await self._once(messages, parameters)
        if wait is not None:
            await asyncio.sleep(min(wait, _LONGEST_WAIT))
            attempt, _ = await self._once(messages, parameters)
        return attempt

    async def _once(self, messages: list[Message], parameters: dict[str, Any]) -> tuple[Attempt, float | None]:
        """Return the attempt, and the seconds to wait before another one where that may help."""
        began = time.monotonic()
        try:
            async with limit_silence(self.timeout, 10 * self.timeout):
                message = await self.chat.ainvoke(list(messages), **parameters)
            sent = sum(len(item["content"].encode()) for item in messages)
            self._prompt_sizes.append((sent, (message.usage_metadata or {}).get("input_tokens")))
            return Attempt(message, time.monotonic() - began), None
        except TimeoutError:
            return Attempt(None, self.timeout, f"no answer in {self.timeout:g} s"), None
        except Exception as error:
            classified = classify_error(error)
            problem = (
                first_line(classified)
                if isinstance(classified, CocoonError) or classified is not error
                else _error_line(classified)
            )
            attempt = Attempt(None, time.monotonic() - began, problem, isinstance(classified, RefusedError))
            return attempt, _wait(classified)


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _error_line(error: Exception) -> str:
    known = isinstance(error, (RateLimitedError, TransientError, RefusedError))
    return first_line(error) if known else f"{type(error).__name__}: {first_line(error)}"


def _wait(error: Exception) -> float | None:
    if isinstance(error, RateLimitedError):
        return 1.0 if error.retry_after is None else error.retry_after
    return 0.5 if isinstance(error, TransientError) and error.kind != "connection" else None


def _form(rung: str) -> dict[str, Any]:
    form = response_format(rung, SCHEMA, "choice")
    return {"response_format": form} if form else {}


def _problem(attempt: Attempt) -> str | None:
    """Return what is wrong with a structured reply, or None."""
    if attempt.message is None:
        return f"refused: {attempt.problem}" if attempt.refused else attempt.problem
    answer = _read(attempt)
    return f"accepted, not obeyed: {answer.reason}" if isinstance(answer, Missing) else None


def _read(attempt: Attempt) -> ColourAnswer | Missing:
    value, problem = read_json(attempt.text)
    answer = Missing(problem) if problem else read_answer(value, ColourAnswer)
    return Missing("the schema was not followed") if isinstance(answer, Missing) and not problem else answer


def _obeyed(attempt: Attempt, problem: str | None) -> bool | None:
    return problem is None if attempt.message or attempt.refused else None


def _legal_mass(attempt: Attempt) -> float | None:
    masses = (attempt.message.response_metadata if attempt.message else {}).get("legal_mass") or {}
    return min(masses.values(), default=None)
