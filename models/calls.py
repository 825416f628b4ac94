"""One model call, as every agent makes it: looked up in the journal, sent in its turn, journalled."""

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Protocol, TypeVar

from langchain_core.messages import AIMessage

from cocoon.core.errors import CallFailedError, ReplayMismatchError
from cocoon.core.records import OwnCall, Role
from cocoon.core.text import printable_line
from cocoon.models.by_name import Model, Models
from cocoon.models.entries import entry_of, shared_entry
from cocoon.models.journal.store import Entry, Journal, Place, SpokenEntry, fingerprint, text_sha
from cocoon.models.journal.submitted import SubmittedCall
from cocoon.models.ledger import Usage
from cocoon.models.messages import Message
from cocoon.models.model_request import ModelRequest
from cocoon.models.pool import DIALOGUE, JUDGE, Priority, RequestOutcome
from cocoon.models.remote.under_way import enter_dialogue
from cocoon.models.reply import ModelReply, split_reply
from cocoon.models.settings import Settings

T = TypeVar("T")
Send = Callable[[], Awaitable[AIMessage]]
Keep = Callable[[RequestOutcome[AIMessage]], Awaitable[None]]


@dataclass
class Reply:
    """A model's reply with where it is journalled and whether it came from there.

    `speaker` is the role that the model plays, if any. `structured` replies are those from which a value is read.
    `limit` is the number of tokens that the call might take.
    """

    entry: Entry
    replayed: bool
    speaker: Role | None = None
    structured: bool = False
    limit: int | None = None

    @property
    def text(self) -> str:
        """The content as the server gave it, for the journal alone."""
        return self.entry.text

    @functools.cached_property
    def parts(self) -> ModelReply:
        """The reply told apart: speech, thought, how it ended, and what was cut off."""
        entry = self.entry
        return split_reply(
            entry.text,
            thought=entry.thought,
            refusal=entry.refusal,
            finish=entry.finish,
            speaker=self.speaker,
            structured=self.structured,
            limit=self.limit,
        )

    @property
    def spent_on_thoughts(self) -> bool:
        """Whether the limit was reached before the first word."""
        return self.parts.finish == "length" and not self.speech.strip()

    @property
    def speech(self) -> str:
        """What others may hear of the reply."""
        return self.parts.speech

    @property
    def key(self) -> str:
        return self.entry.place.key


@dataclass
class DialogueCalls:
    """The journalled calls of one admitted dialogue, how far it is, and the texts already stored for it.

    `reported` is what its calls took, until that is in the trace.
    """

    entries: dict[Place, Entry]
    utterances: dict[Place, SpokenEntry] = field(default_factory=dict)
    made: int = 0
    stored: set[str] = field(default_factory=set)
    reported: list[dict[str, Any]] = field(default_factory=list)


class Batches(Protocol):
    """What calls wait in until they go out together."""

    @property
    def imported(self) -> set[Place]:
        """Return the places that batches have answered in this session."""
        ...

    def takes(self, model: Model) -> bool:
        """Return whether the calls of a model can go out in a batch."""
        ...

    def put(
        self, model: Model, call: SubmittedCall, messages: Sequence[Message], parameters: dict[str, Any]
    ) -> NoReturn:
        """Queue a call. Raises SubmittedError, or what a batch has already said about it."""
        ...


class Caller:
    """Makes the calls of one run. `seed` makes draws at temperature > 0 repeatable where the server honours it.

    `models` opens the models that an agent names by their spec. Calls that `batches` takes are not asked live.
    """

    def __init__(
        self, journal: Journal, *, seed: int = 0, models: Models | None = None, batches: Batches | None = None
    ) -> None:
        self.journal = journal
        self.batches = batches
        self.seed = seed
        self.models = models
        self._dialogues: dict[str, DialogueCalls] = {}
        self._known: dict[str, Entry] = {}
        self._seen: set[Place] = set()
        self._flying: dict[str, asyncio.Future[RequestOutcome[AIMessage]]] = {}
        self._under_way: set[asyncio.Future[Any]] = set()

    def admit(self, dialogue: str) -> None:
        """Load what the journal holds of a dialogue."""
        self._dialogues[dialogue] = DialogueCalls(self.journal.load(dialogue), self.journal.utterances(dialogue))

    def dismiss(self, dialogue: str) -> None:
        """Forget a dialogue that is done."""
        self._dialogues.pop(dialogue, None)

    def report(self, dialogue: str, event: dict[str, Any]) -> None:
        """Keep what a call took for the trace."""
        self._dialogues[dialogue].reported.append(event)

    def reported(self, dialogue: str) -> list[dict[str, Any]]:
        """Return what was reported of a dialogue since the last time."""
        calls = self._dialogues[dialogue]
        events, calls.reported = calls.reported, []
        return events

    def take_over(self, entries: Iterable[Entry]) -> None:
        """Let replies that another run paid for answer equal calls of this one. Only for calls at temperature 0."""
        self._known |= {entry.fingerprint: entry for entry in entries}

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
        """Enter model calls that an agent made by itself into the run's ledger."""
        if self.models is not None:
            for call in calls:
                self.models.ledger.add(Usage(call.model, 1, call.tokens_in, call.tokens_out))

    async def text(
        self,
        model: Model,
        place: Place,
        messages: Sequence[Message],
        settings: Settings,
        accept: Callable[[str], bool] = bool,
        *,
        speaker: Role | None = None,
        judging: bool = False,
    ) -> tuple[str, list[Reply]]:
        """Return the speech of a reply that has some and that `accept` takes. Otherwise another is asked for.

        Raises CallFailedError when this session has asked three times in vain, and at once when the model refuses.
        """
        replies: list[Reply] = []
        larger = False
        while sum(self._is_fresh(reply) for reply in replies) < 3:
            attempt = place._replace(attempt=len(replies))
            reply = await self.ask(model, attempt, messages, settings, speaker=speaker, judging=judging, larger=larger)
            replies.append(reply)
            said = reply.speech.strip()
            if said and accept(said):
                if larger:
                    model.note_larger()
                return said, replies
            if reply.spent_on_thoughts:
                if reply.limit == settings.larger_limit and self._is_fresh(reply):
                    break
                larger = True
            # A refusal that is replayed is asked again: the user gave the same command once more.
            if replies[-1].parts.finish == "refused" and self._is_fresh(replies[-1]):
                problem = printable_line(replies[-1].parts.obstacle or "", 300)
                raise CallFailedError("refused", f"{model.label}: {problem} (at {place.key})")
        reasons = [reply.parts.obstacle for reply in replies if reply.parts.obstacle]
        why = f": {reasons[-1]}" if reasons else ""
        if replies[-1].spent_on_thoughts:
            raise CallFailedError("token_limit", f"{model.label}: no words{why} (at {place.key})")
        if any(reply.text.strip() for reply in replies):
            raise CallFailedError(
                "unusable_reply", f"{model.label}: three replies that cannot be used at {place.key}{why}"
            )
        raise CallFailedError("empty_reply", f"{model.label}: three empty replies at {place.key}{why}")

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
        speaker: Role | None = None,
        judging: bool = False,
        larger: bool = False,
    ) -> Reply:
        """Return one reply at one place, from the journal where it holds it.

        `judging` calls wait behind dialogue calls. With `larger`, the call may take as many tokens as its settings ever
        allow, because thoughts used up an earlier limit. A call with a schema and an attempt above 0 asks for a repair,
        and its last message reports the error.

        Raises CallFailedError when the model cannot be made to answer, ReplayMismatchError when the journal holds
        the answer to another call, RefusedError when the endpoint refuses `response_format`.
        """
        calls = self._dialogues[place.dialogue]
        shas = [(message["role"], text_sha(message["content"])) for message in messages]
        print_ = fingerprint(model.label, settings.key, shas, schema)
        calls.made += 1
        held = calls.entries.get(place)
        if held is not None:
            if schema is not None:
                print_ = self._repair_print(held, print_, model, settings, shas, schema)
            self._check(held, print_, model.label)
            model.pool.budget.replayed += self._replays(place)
            return self._reply(held, settings, True, speaker, schema)
        self.journal.check()
        request = ModelRequest(model, messages, settings, self._seed(place), response_format, larger)
        self._queue(request, SubmittedCall(place, rung or "", print_, model.label, shas, bytes_in=request.bytes_in))
        entry = functools.partial(entry_of, place, print_, model, rung=rung, bytes_in=request.bytes_in)

        async def keep(outcome: RequestOutcome[AIMessage]) -> None:
            await store(entry(outcome))

        async def store(answer: Entry) -> None:
            texts = [(sha, m["content"]) for (_, sha), m in zip(shas, messages, strict=True) if sha not in calls.stored]
            await self.journal.append(answer, shas, texts)
            calls.stored.update(sha for sha, _ in texts)
            calls.entries[place] = answer

        async def answered() -> Reply:
            enter_dialogue(place.dialogue)
            priority = (JUDGE if judging else DIALOGUE, calls.made)
            if not model.draws(settings.temperature):
                if print_ in self._known:
                    await store(shared_entry(self._known[print_], place))
                else:
                    outcome = await self._once(f"{print_} {rung}", model, request.send, priority, keep)
                    if place not in calls.entries and not model.draws(settings.temperature):
                        await store(shared_entry(entry(outcome), place))
            # Where the server has just refused temperature 0, what another caller got is no reply to this call.
            if place not in calls.entries:
                await model.pool.call(request.send, priority, keep)
            return self._reply(calls.entries[place], settings, False, speaker, schema)

        return await self._kept(answered())

    @staticmethod
    def _reply(entry: Entry, settings: Settings, replayed: bool, speaker: Role | None, schema: Any) -> Reply:
        return Reply(entry, replayed, speaker, schema is not None, entry.limit or settings.first_limit)

    def _queue(self, request: ModelRequest, call: SubmittedCall) -> None:
        """Queue a call where the run's calls go out in batches. Raises SubmittedError then."""
        if self.batches is not None and self.batches.takes(request.model):
            parameters = request.parameters()
            call = replace(call, limit=request.larger_limit(parameters))
            self.batches.put(request.model, call, request.messages, parameters)

    def _is_fresh(self, reply: Reply) -> bool:
        """Return whether this session has asked for a reply, live or in a batch."""
        return not reply.replayed or (self.batches is not None and reply.entry.place in self.batches.imported)

    def _replays(self, place: Place) -> bool:
        """Return whether a replay is to be counted. Where batches are, a dialogue is walked several times."""
        if self.batches is None:
            return True
        is_new = place not in self._seen and place not in self.batches.imported
        self._seen.add(place)
        return is_new

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

    def _repair_print(
        self,
        held: Entry,
        print_: str,
        model: Model,
        settings: Settings,
        shas: Sequence[tuple[str, str]],
        schema: dict[str, Any],
    ) -> str:
        """Return the fingerprint of a call with a schema whose answer the journal holds.

        The words in which an error is reported to the model are no part of a call's identity.
        """
        if not held.place.attempt or held.fingerprint == print_:
            return print_
        reported = self.journal.request_shas(held.place)[-1][1]
        return fingerprint(model.label, settings.key, [*shas[:-1], (shas[-1][0], reported)], schema)

    def _check(self, held: Entry, print_: str, label: str) -> None:
        if held.fingerprint != print_:
            entry_place = held.place
            other = f", then made by {held.model!r}" if held.model != label else ""
            raise ReplayMismatchError(
                f"{self.journal.path}: dialogue {entry_place.dialogue!r}, call {entry_place.key!r}: the journal has "
                f"the answer to another call{other} (a prompt, profile, model or setting has changed since); "
                "undo the change or use another --out"
            )

    async def _once(
        self, digest: str, model: Model, send: Send, priority: Priority, keep: Keep
    ) -> RequestOutcome[AIMessage]:
        """Identical calls at temperature 0 (fingerprint and rung) that are in flight together are asked once.

        Only the first asker's `keep` runs before its connection is free. The others store the outcome themselves.
        """
        flight = self._flying.get(digest)
        if flight is None:
            flight = asyncio.ensure_future(model.pool.call(send, priority, keep))
            self._flying[digest] = flight
            self._under_way.add(flight)
            flight.add_done_callback(lambda done: (self._flying.pop(digest, None), self._end(done)))
        return await asyncio.shield(flight)

    def _seed(self, place: Place) -> int:
        seed_text = f"{self.seed}\0{place.dialogue}\0{place.key}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.sha256(seed_text).digest()[:4], "big") >> 1
