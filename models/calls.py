"""One model call, as every agent makes it: looked up in the journal, sent in its turn, journalled."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import AIMessage

from cocoon.core.errors import CallFailedError, CocoonError, ReplayMismatchError
from cocoon.core.records import OwnCall
from cocoon.models.by_name import Model, Models
from cocoon.models.journal.store import Entry, Journal, Place, SpokenEntry, fingerprint, text_sha
from cocoon.models.pool import DIALOGUE, JUDGE, Outcome, Priority
from cocoon.models.request_errors import RateLimitedError, RefusedError, TransientError, classify, one_line

T = TypeVar("T")
Message = dict[str, str]
Send = Callable[[], Awaitable[AIMessage]]
Keep = Callable[[Outcome[AIMessage]], Awaitable[None]]


@dataclass(frozen=True)
class Settings:
    """Sampling settings of a call: temperature (0 is greedy) and the most tokens of a reply."""

    temperature: float = 0.0
    max_tokens: int = 400


@dataclass
class Reply:
    """A model's reply with where it is journalled and whether it came from there."""

    entry: Entry
    replayed: bool

    @property
    def text(self) -> str:
        return self.entry.text

    @property
    def key(self) -> str:
        return self.entry.place.key


@dataclass
class DialogueCalls:
    """The journalled calls of one admitted dialogue, how far it is, and the texts already stored for it."""

    entries: dict[Place, Entry]
    utterances: dict[Place, SpokenEntry] = field(default_factory=dict)
    made: int = 0
    stored: set[str] = field(default_factory=set)


class Caller:
    """Makes the calls of one run. `seed` makes draws at temperature > 0 repeatable where the server honours it.

    `models` opens the models that an agent names by their spec.
    """

    def __init__(self, journal: Journal, *, seed: int = 0, models: Models | None = None) -> None:
        self.journal = journal
        self.seed = seed
        self.models = models
        self._dialogues: dict[str, DialogueCalls] = {}
        self._flying: dict[str, asyncio.Future[Outcome[AIMessage]]] = {}
        self._under_way: set[asyncio.Future[Any]] = set()

    def admit(self, dialogue: str) -> None:
        """Load what the journal holds of a dialogue."""
        self._dialogues[dialogue] = DialogueCalls(self.journal.load(dialogue), self.journal.utterances(dialogue))

    def dismiss(self, dialogue: str) -> None:
        """Forget a dialogue that is done."""
        self._dialogues.pop(dialogue, None)

    async def drain(self) -> None:
        """Wait until the calls whose asker was cut off are answered and journalled too."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def abandon(self) -> None:
        """Give up the calls under way."""
        for task in self._under_way:
            task.cancel()

    def utterance_at(self, place: Place) -> SpokenEntry | None:
        """Return what an agent is known to have said at a place, None where it has not spoken there yet."""
        return self._dialogues[place.dialogue].utterances.get(place)

    async def keep_utterance(self, entry: SpokenEntry) -> None:
        """Journal what an agent said, so that a resumed run does not run it again."""
        await self._kept(self.journal.append_utterance(entry))
        self._dialogues[entry.place.dialogue].utterances[entry.place] = entry

    def count_own(self, calls: Sequence[OwnCall]) -> None:
        """Count model calls that an agent made by itself against the run's budget."""
        if self.models is not None:
            for call in calls:
                self.models.budget.calls_made += 1
                self.models.budget.end_call(call.tokens_in, call.tokens_out, None)

    async def text(
        self,
        model: Model,
        place: Place,
        messages: Sequence[Message],
        settings: Settings,
        accept: Callable[[str], bool] = bool,
        *,
        judging: bool = False,
    ) -> tuple[str, list[Reply]]:
        """A reply that is not empty, and that `accept` takes; another is asked for otherwise.

        Raises CallFailedError when this session has asked three times in vain.
        """
        replies: list[Reply] = []
        while sum(not reply.replayed for reply in replies) < 3:
            attempt = place._replace(attempt=len(replies))
            replies.append(await self.ask(model, attempt, messages, settings, judging=judging))
            said = replies[-1].text.strip()
            if said and accept(said):
                return said, replies
        if any(reply.text.strip() for reply in replies):
            raise CallFailedError("unusable_reply", f"{model.label}: three replies that cannot be used at {place.key}")
        raise CallFailedError("empty_reply", f"{model.label}: three empty replies at {place.key}")

    async def ask(
        self,
        model: Model,
        place: Place,
        messages: Sequence[Message],
        settings: Settings,
        *,
        schema: dict[str, Any] | None = None,
        response_format: dict[str, Any] | None = None,
        rung: str | None = None,
        judging: bool = False,
    ) -> Reply:
        """One reply at one place; from the journal where it holds it. `judging` calls wait behind dialogue calls.

        Raises CallFailedError when the model cannot be made to answer, ReplayMismatchError when the journal holds
        the answer to another call, RefusedError when the endpoint refuses `response_format`.
        """
        calls = self._dialogues[place.dialogue]
        shas = [(message["role"], text_sha(message["content"])) for message in messages]
        parameters = {"temperature": settings.temperature, "max_tokens": settings.max_tokens}
        print_ = fingerprint(model.label, parameters, shas, schema)
        calls.made += 1
        held = calls.entries.get(place)
        if held is not None:
            self._check(held, print_, model.label)
            return Reply(held, replayed=True)
        self.journal.check()

        async def send() -> AIMessage:
            return await _invoke(model, messages, settings, self._seed(place), response_format)

        async def keep(outcome: Outcome[AIMessage]) -> None:
            entry = _entry(place, print_, model, outcome, rung)
            texts = [(sha, m["content"]) for (_, sha), m in zip(shas, messages, strict=True) if sha not in calls.stored]
            await self.journal.append(entry, shas, texts)
            calls.stored.update(sha for sha, _ in texts)
            calls.entries[place] = entry

        async def answered() -> Reply:
            priority = (JUDGE if judging else DIALOGUE, calls.made)
            if settings.temperature > 0:
                await model.pool.call(send, priority, keep)
            else:
                outcome = await self._once(f"{print_} {rung}", model, send, priority, keep)
                if place not in calls.entries:
                    await keep(outcome)
            return Reply(calls.entries[place], replayed=False)

        return await self._kept(answered())

    async def _kept(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work` in a task of its own: LangGraph cuts off the neighbours of a judge that fails or is stopped,
        and an answer that is on its way to one of them is still to be journalled."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._end)
        return await asyncio.shield(task)

    def _end(self, task: asyncio.Future[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()

    def _check(self, held: Entry, print_: str, label: str) -> None:
        if held.fingerprint != print_:
            place = held.place
            other = f", then made by {held.model!r}" if held.model != label else ""
            raise ReplayMismatchError(
                f"{self.journal.path}: dialogue {place.dialogue!r}, call {place.key!r}: the journal holds the answer "
                f"to another call{other} (a prompt, profile, model or setting has changed since); undo the change "
                "or use another --out"
            )

    async def _once(self, whole: str, model: Model, send: Send, priority: Priority, keep: Keep) -> Outcome[AIMessage]:
        """Identical calls at temperature 0 (fingerprint and rung) that are in flight together are asked once.

        Only the first asker's `keep` runs before its connection is free. The others store the outcome themselves.
        """
        flight = self._flying.get(whole)
        if flight is None:
            flight = asyncio.ensure_future(model.pool.call(send, priority, keep))
            self._flying[whole] = flight
            self._under_way.add(flight)
            flight.add_done_callback(lambda done: (self._flying.pop(whole, None), self._end(done)))
        return await asyncio.shield(flight)

    def _seed(self, place: Place) -> int:
        whole = f"{self.seed}\0{place.dialogue}\0{place.key}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.sha256(whole).digest()[:4], "big") >> 1


async def _invoke(
    model: Model, messages: Sequence[Message], settings: Settings, seed: int, response_format: dict[str, Any] | None
) -> AIMessage:
    parameters: dict[str, Any] = {"temperature": settings.temperature, "max_tokens": settings.max_tokens}
    if settings.temperature > 0:
        parameters["seed"] = seed
    if response_format is not None:
        parameters["response_format"] = response_format
    try:
        message = await model.chat.ainvoke(list(messages), **parameters)
        usage = message.usage_metadata or {}
        tokens = usage.get("input_tokens"), usage.get("output_tokens")
        model.pool.budget.end_call(*tokens, model.cost(*tokens))
        return message
    except (RateLimitedError, TransientError, CocoonError, asyncio.CancelledError):
        raise
    except RefusedError as error:
        if response_format is not None and error.status in (400, 415, 422, 501):
            raise
        raise CallFailedError(str(error.status), f"{model.label}: {error}") from None
    except Exception as error:
        ours = classify(error)
        if ours is error:
            raise CallFailedError("error", one_line(f"{model.label}: {type(error).__name__}: {error}")) from error
        raise ours from None


def _entry(place: Place, print_: str, model: Model, outcome: Outcome[AIMessage], rung: str | None) -> Entry:
    message = outcome.value
    usage = message.usage_metadata or {}
    meta = message.response_metadata or {}
    text = message.content if isinstance(message.content, str) else str(message.text)
    return Entry(
        place,
        print_,
        model.label,
        text.encode("utf-8", "replace").decode("utf-8"),
        rung,
        usage.get("input_tokens"),
        usage.get("output_tokens"),
        round(outcome.latency, 4),
        outcome.retries,
        meta.get("finish_reason"),
        meta.get("legal_mass") or {},
        round(time.time(), 3),
    )
