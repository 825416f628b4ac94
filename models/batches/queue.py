"""The queue of calls that wait for a batch, and the way there and back.

A call without an answer in the journal is put here, and its dialogue ends for now. Once nothing more can proceed, all
that waits goes out, one batch for each model. What comes back enters the journal under the call's place, and the
dialogues are walked again. The order of the steps keeps a call from being asked twice, wherever the process is killed:

1. The file of requests is written, and the journal has the batch with all of its calls (`prepared`).
2. The batch is created at the server under its name. The journal has the server's id (`sent`). After a kill between
   the two, the server is asked for a batch of that name first.
3. The answers enter the journal, each call with its answer at once. After a kill the file is read again.
"""

import asyncio
import functools
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import orjson
from langchain_core.messages import AIMessage

from cocoon.core.config import RunConfig
from cocoon.core.errors import BudgetReachedError, CallFailedError, CocoonError, StoppedError, SubmittedError
from cocoon.core.jsonl import write_whole
from cocoon.core.text import printable_line
from cocoon.models.batches.api import COMPLETIONS, BatchApi, BatchChat, BatchState, NoBatchesError, read_answers
from cocoon.models.by_name import Model, Models
from cocoon.models.calls import Message
from cocoon.models.entries import entry_of, shared_entry, usage_of_message
from cocoon.models.journal.store import Entry, Journal, Place
from cocoon.models.journal.submitted import Batch, SubmittedCall, SubmittedCalls
from cocoon.models.pool import RequestOutcome
from cocoon.models.request_errors import RateLimitedError, RefusedError, TransientError, refuses_format

AnswerT = TypeVar("AnswerT")

MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
"""What a provider takes in one file."""
MOST_BATCHES = 3
"""Batches that may leave a call without an answer."""
_REFUSED = range(400, 500)
_WORTH_ANOTHER = frozenset({408, 409, 425, 429})
_AT_ONCE = 500
# Seconds before each attempt to ask about a batch, and for one attempt.
_WAITS = (0.0, 0.5, 2.0, 8.0, 30.0)
_LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits, with its request as it will stand in the file, and the texts of its messages."""

    call: SubmittedCall
    body: bytes
    texts: dict[str, str]
    alike: str | None


@dataclass
class BatchQueue:
    """The calls of one run that go out in batches. `folder` takes their files, and `every` is in seconds.

    `progress` says in words how far the batches are. `imported` has the places whose answers came back in this session.
    """

    journal: Journal
    models: Models
    folder: Path
    every: float = 30.0
    progress: str = ""
    imported: set[Place] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._calls = SubmittedCalls(self.journal)
        self._waiting: dict[tuple[Place, str], Waiting] = {}
        self._failed: dict[tuple[Place, str], SubmittedCall] = {}
        self._stopped = asyncio.Event()
        self._reason: Exception | None = None
        self.models.on_stop.append(self.stop)
        # What is out was started in an earlier session.
        self.models.ledger.open += sum(len(self._calls.out(batch.name)) for batch in self._calls.open())

    @property
    def waits(self) -> bool:
        """Return whether a call waits to go out."""
        return bool(self._waiting)

    def stop(self, reason: Exception | None = None) -> None:
        """Wait no longer. What is out stays out."""
        self._reason = self._reason or reason
        self._stopped.set()

    def takes(self, model: Model) -> bool:
        """Return whether the calls of a model can go out in a batch."""
        return isinstance(model.chat, BatchChat)

    def put(
        self,
        model: Model,
        call: SubmittedCall,
        messages: Sequence[Message],
        parameters: dict[str, Any],
    ) -> NoReturn:
        """Queue a call. Raises SubmittedError, which ends its dialogue for now.

        Raises RefusedError or CallFailedError for a call that batches have left without an answer for good.
        """
        failed = self._failed.get(call.key)
        if failed is not None:
            _raise_final(failed, model.label, has_format="response_format" in parameters)
            call = replace(call, tries=failed.tries)
        body = orjson.dumps(_chat(model).batch_body(messages, parameters))
        texts = {sha: message["content"] for (_, sha), message in zip(call.request, messages, strict=True)}
        alike = None if model.draws(parameters.get("temperature")) else f"{call.fingerprint} {call.rung}"
        self._waiting[call.key] = Waiting(call, body, texts, alike)
        raise SubmittedError(f"{model.label}: waits for a batch (at {call.place.key})")

    async def submit(self) -> None:
        """Send out all that waits, one batch for each model or more where a file would be too large.

        Raises BudgetReachedError where the budget allows no call at all.
        """
        by_model: dict[str, list[Waiting]] = {}
        for waiting in self._waiting.values():
            by_model.setdefault(waiting.call.model, []).append(waiting)
        self._waiting = {}
        parts = [(label, part) for label, calls in by_model.items() for part in _files(calls)]
        if not sum([await self._prepare(label, part) for label, part in parts]):
            self.models.ledger.start_call()
        for batch in self._calls.open():
            await self._send(batch)

    async def collect(self) -> None:
        """Wait for the batches that are out, and bring their answers into the journal."""
        for batch in self._calls.open():
            await self._send(batch)
        while batches := self._calls.open():
            states = [await self._look(batch) for batch in batches]
            open_states = [state for state in states if not state.ended]
            if len(open_states) == len(states):
                self._show(open_states)
                await self._sleep()
        self._failed = {call.key: call for call in self._calls.failed()}

    async def _look(self, batch: Batch) -> BatchState:
        """Return how far a batch is, and import it once it has ended."""
        api, out = self._api(batch), self._calls.out(batch.name)
        state = await _patiently(lambda: api.state(str(batch.remote)))
        if not state.ended:
            return state
        for file in state.files:
            await self._import(batch, out, await _patiently(lambda file=file: api.lines(file)))
        await self._end(batch, state)
        return state

    async def _end(self, batch: Batch, state: BatchState) -> None:
        """Note what a batch that has ended has not answered."""
        out = self._calls.out(batch.name)
        left = [call for calls in out.values() for call in calls]
        self.models.ledger.open -= len(out)
        label, problem = batch.model, printable_line(state.problem, 300)
        if state.status in ("failed", "cancelled"):
            await self._calls.forget(left)
            await self._calls.done(batch)
            if state.status == "cancelled":
                raise StoppedError(
                    f"batch {batch.remote} was cancelled at its server; the same command asks the rest again"
                )
            raise CocoonError(f"{label}: the server refuses batch {batch.remote} ({problem}); see {self._file(batch)}")
        await self._calls.enter([], [replace(call, tries=call.tries + 1, problem=state.status) for call in left])
        await self._calls.done(batch)

    async def _prepare(self, label: str, calls: Sequence[Waiting]) -> int:
        """Store a batch of calls with its file. Returns how many of them the budget allowed."""
        name = f"{self._calls.count() + 1:03}-{secrets.token_hex(4)}"
        batch = Batch(name, label)
        customs: dict[str, str] = {}
        numbered: list[SubmittedCall] = []
        lines: list[bytes] = []
        for waiting in calls:
            custom = customs.get(waiting.alike or "")
            if custom is None:
                if not self._allowed():
                    break
                custom = f"call-{len(lines)}"
                lines.append(_line(custom, waiting.body))
                customs |= {waiting.alike: custom} if waiting.alike else {}
            numbered.append(replace(waiting.call, batch=name, custom=custom))
        if not lines:
            return 0
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._file(batch), lines)
        texts = {sha: text for waiting in calls for sha, text in waiting.texts.items()}
        await self._calls.prepare(batch, numbered, texts)
        return len(numbered)

    def _allowed(self) -> bool:
        try:
            self.models.ledger.start_call()
        except BudgetReachedError:
            return False
        return True

    async def _send(self, batch: Batch) -> None:
        """Bring a batch that is prepared to the server, unless it is there already, or read the answers beside it."""
        if batch.state != "prepared":
            return
        beside = self._file(batch).with_suffix(".output.jsonl")
        if beside.exists():
            await self._import(batch, self._calls.out(batch.name), list(read_answers(beside.read_bytes())))
            await self._end(batch, BatchState("completed", 0, 0, 0, (), ""))
            return
        api, name = self._api(batch), batch.name

        async def created() -> str:
            return await api.find(name) or await api.create(name, self._file(batch).read_bytes())

        try:
            remote = await _patiently(created)
        except NoBatchesError as error:
            model = batch.model.partition("#")[2] or batch.model.partition(":")[2]
            raise NoBatchesError(
                f"{error}. Run `vllm run-batch -i {self._file(batch)} -o {beside} --model {model}`, then the same "
                "command again, or use another --out without --batch."
            ) from None
        await self._calls.sent(batch, remote)

    async def _import(
        self, batch: Batch, out: Mapping[str, list[SubmittedCall]], lines: Sequence[Mapping[str, Any]]
    ) -> None:
        model, learnt = self.models.open(batch.model), False
        for start in range(0, len(lines), _AT_ONCE):
            answered: list[tuple[SubmittedCall, Entry]] = []
            failed: list[SubmittedCall] = []
            for line in lines[start : start + _AT_ONCE]:
                calls = out.get(str(line["custom_id"]), [])
                message = _message(line, model) if calls else None
                if isinstance(message, AIMessage):
                    answered += zip(calls, self._entries(batch, model, calls, message), strict=True)
                elif message is not None:
                    self.models.ledger.take_back()
                    learnt = learnt or self._learns(model, calls[0], message)
                    failed += [_failed(call, message, learnt=learnt) for call in calls]
            await self._calls.enter(answered, failed)
            self.imported |= {call.place for call, _ in answered}

    def _entries(
        self, batch: Batch, model: Model, calls: Sequence[SubmittedCall], message: AIMessage
    ) -> Iterable[Entry]:
        """Yield an answer in the place of its call, and as shared in those of the calls that are equal."""
        self.models.ledger.end_call(replace(usage_of_message(model, message), batched=True))
        first = calls[0]
        outcome = RequestOutcome(message, 0.0, 0)
        entry = entry_of(first.place, first.fingerprint, model, outcome, first.rung or None, first.bytes_in)
        entry = replace(entry, limit=first.limit, batch=batch.name)
        yield entry
        yield from (shared_entry(entry, call.place) for call in calls[1:])

    def _learns(self, model: Model, call: SubmittedCall, error: RefusedError) -> bool:
        """Return whether a refusal shows how to ask so that the server accepts."""
        if error.status not in _REFUSED:
            return False
        requests = _requests(self.folder / f"{call.batch}.jsonl")
        return _chat(model).learn(error, orjson.loads(requests[int(call.custom.removeprefix("call-"))])["body"])

    def _file(self, batch: Batch) -> Path:
        return self.folder / f"{batch.name}.jsonl"

    def _api(self, batch: Batch) -> BatchApi:
        return BatchApi(_chat(self.models.open(batch.model)))

    def _show(self, states: Sequence[BatchState]) -> None:
        answered, total = sum(state.completed for state in states), sum(state.total for state in states)
        self.progress = f"{len(states)} in batches, {answered} of {total} calls answered"

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), self.every)
        except TimeoutError:
            return
        if self._reason is not None and not isinstance(self._reason, StoppedError):
            raise self._reason
        stopped = StoppedError("the batches stay with their server; run the same command again to fetch them")
        stopped.exit_code = self._reason.exit_code if self._reason else stopped.exit_code
        raise stopped


def batches_of(config: RunConfig, journal: Journal, models: Models, folder: Path) -> BatchQueue | None:
    """Return the queue of a run whose calls go out in batches, None for one that asks live.

    Raises CocoonError where no model takes batches, and where a run that asks live has calls out.
    """
    if not config.batch:
        refuse_open_batches(journal)
        return None
    queue = BatchQueue(journal, models, folder, config.batch_every)
    if not any(queue.takes(model) for model in models.opened.values()):
        raise CocoonError(
            f"{', '.join(models.opened)}: no model is at one OpenAI-compatible server, which takes batches. "
            "Leave --batch out."
        )
    return queue


def refuse_open_batches(journal: Journal) -> None:
    """Raise CocoonError where calls of a run are out in batches, because they would be asked twice."""
    if batches := SubmittedCalls(journal).open():
        names = ", ".join(batch.remote or batch.name for batch in batches)
        where = journal.path.parent
        raise CocoonError(f"{where}: batches are out ({names}). Run the command that sent them, with --batch, first.")


@functools.lru_cache(maxsize=1)
def _requests(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines()


def _failed(call: SubmittedCall, error: RefusedError, *, learnt: bool) -> SubmittedCall:
    """Return a call that came back without an answer. Where something was learnt, that costs it no try."""
    problem = printable_line(str(error), 300)
    if learnt and error.status in _REFUSED:
        return replace(call, status=None, problem=problem)
    final = (error.status in _REFUSED and error.status not in _WORTH_ANOTHER) or refuses_format(error)
    return replace(call, tries=call.tries + 1, status=error.status if final else None, problem=problem)


async def _patiently(ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
    """Ask again while the endpoint fails in a way that may pass. Raises CocoonError when it does not."""
    problem: Exception | None = None
    for wait in _WAITS:
        await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(_LONGEST):
                return await ask()
        except (TransientError, RateLimitedError, TimeoutError) as error:
            problem = error
    raise CocoonError(f"{problem or 'no answer'}. What is out stays out: run the same command again.")


def _raise_final(call: SubmittedCall, label: str, *, has_format: bool) -> None:
    """Raise the error of a call that a batch has left without an answer for good."""
    if call.status is not None:
        refusal = RefusedError(call.status, call.problem)
        if has_format and refuses_format(refusal):
            raise refusal
        raise CallFailedError(str(call.status), f"{label}: {call.problem}")
    if call.tries >= MOST_BATCHES:
        raise CallFailedError("batch", f"{label}: {call.tries} batches have not answered it ({call.problem})")


def _files(calls: Sequence[Waiting]) -> Iterable[list[Waiting]]:
    """Yield the calls in as many parts as files they need."""
    part: list[Waiting] = []
    size = 0
    for waiting in calls:
        if part and (len(part) == MOST_REQUESTS or size + len(waiting.body) > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(waiting)
        size += len(waiting.body) + 200
    yield part


def _line(custom: str, body: bytes) -> bytes:
    request = {"custom_id": custom, "method": "POST", "url": COMPLETIONS, "body": orjson.Fragment(body)}
    return orjson.dumps(request) + b"\n"


def _message(line: Mapping[str, Any], model: Model) -> AIMessage | RefusedError:
    """Return the message in a line of answers, or why there is none (status 500 for what is worth another try)."""
    response, error = line.get("response") or {}, line.get("error") or {}
    status = response.get("status_code")
    if status != 200:
        words = error.get("message") or orjson.dumps(response.get("body") or error).decode()
        return RefusedError(int(status or 500), str(words))
    try:
        return _chat(model).read_reply(response["body"])
    except (TransientError, KeyError, TypeError) as problem:
        return RefusedError(500, str(problem))


def _chat(model: Model) -> BatchChat:
    if not isinstance(model.chat, BatchChat):
        raise CocoonError(f"{model.label} answers in this process, and takes no batch. Leave --batch out.")
    return model.chat
