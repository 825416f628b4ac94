"""The batch interface of an OpenAI-compatible endpoint: files up, a batch of them, its state, files down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlencode

import orjson
from langchain_core.messages import AIMessage

from cocoon.core.errors import CocoonError
from cocoon.models.request_errors import RefusedError

COMPLETIONS = "/v1/chat/completions"
_NO_SUCH_PATH = (404, 405, 501)
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


@runtime_checkable
class BatchChat(Protocol):
    """A chat model whose requests can be written down, and whose endpoint can be asked for more than replies."""

    @property
    def host(self) -> str: ...

    def batch_body(self, messages: Sequence[Mapping[str, str]], parameters: dict[str, Any]) -> dict[str, Any]:
        """Return a request as it stands in a batch."""
        ...

    def read_reply(self, reply: dict[str, Any]) -> AIMessage:
        """Return the message of a chat completion. Raises TransientError where it has none."""
        ...

    def learn(self, refusal: RefusedError, body: dict[str, Any]) -> bool:
        """Return whether a refusal shows how to ask so that the server accepts, and keep that in mind."""
        ...

    async def send(
        self, method: str, path: str, *, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Return the answer to a request of another kind. Raises RefusedError or TransientError."""
        ...


class NoBatchesError(CocoonError):
    """The endpoint takes no batches."""


@dataclass(frozen=True)
class BatchState:
    """How far a batch is at its server, with the files of its answers and of its errors once it has ended."""

    status: str
    completed: int
    failed: int
    total: int
    files: tuple[str, ...]
    problem: str

    @property
    def ended(self) -> bool:
        """Return whether the server does no more on it."""
        return self.status in _ENDED


@dataclass(frozen=True)
class BatchApi:
    """The batches of one endpoint."""

    chat: BatchChat

    async def create(self, name: str, lines: bytes) -> str:
        """Upload a file of requests and start a batch of it. Returns the server's id.

        Raises NoBatchesError where the endpoint takes no batches.
        """
        boundary = f"cocoon-{name}"
        form = _form(boundary, f"{name}.jsonl", lines)
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        file = await self._json("POST", "/files", data=form, headers=kind)
        order = {
            "input_file_id": file["id"],
            "endpoint": COMPLETIONS,
            "completion_window": "24h",
            "metadata": {"cocoon": name},
        }
        batch = await self._json("POST", "/batches", data=orjson.dumps(order), headers={"Idempotency-Key": name})
        return str(batch["id"])

    async def find(self, name: str) -> str | None:
        """Return the server's id of the batch that was created under a name, or None where there is none."""
        after: dict[str, str] = {}
        while True:
            page = await self._json("GET", f"/batches?{urlencode({'limit': 100, **after})}")
            batches = page.get("data") or []
            for batch in batches:
                if (batch.get("metadata") or {}).get("cocoon") == name:
                    return str(batch["id"])
            if not batches or not page.get("has_more"):
                return None
            after = {"after": str(batches[-1]["id"])}

    async def state(self, remote: str) -> BatchState:
        """Return how far a batch is."""
        batch = await self._json("GET", f"/batches/{remote}")
        counts = batch.get("request_counts") or {}
        files = (batch.get("output_file_id"), batch.get("error_file_id"))
        problems = (batch.get("errors") or {}).get("data") or []
        return BatchState(
            str(batch.get("status")),
            int(counts.get("completed") or 0),
            int(counts.get("failed") or 0),
            int(counts.get("total") or 0),
            tuple(str(file) for file in files if file),
            "; ".join(str(problem.get("message")) for problem in problems),
        )

    async def lines(self, file: str) -> list[dict[str, Any]]:
        """Return the lines of a file of answers."""
        return list(read_answers(await self.chat.send("GET", f"/files/{file}/content")))

    async def _json(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        try:
            answer = orjson.loads(await self.chat.send(method, path, **given))
        except RefusedError as error:
            if error.status in _NO_SUCH_PATH and path.startswith(("/files", "/batches?")):
                raise NoBatchesError(f"{self.chat.host} takes no batches ({error})") from None
            raise CocoonError(f"{self.chat.host}: {error}") from None
        except orjson.JSONDecodeError:
            raise CocoonError(f"{self.chat.host}: the answer to {method} {path} is not JSON") from None
        if not isinstance(answer, dict):
            raise CocoonError(f"{self.chat.host}: the answer to {method} {path} is no object")
        return answer


def read_answers(text: bytes) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file of answers that can be read. A call whose line cannot is a call without an answer."""
    for line in text.splitlines():
        try:
            answer = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(answer, dict) and isinstance(answer.get("custom_id"), str):
            yield answer


def _form(boundary: str, name: str, lines: bytes) -> bytes:
    """Return a file as a form, which no HTTP library has to be asked for."""
    purpose = f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return purpose.encode() + head.encode() + lines + f"\r\n--{boundary}--\r\n".encode()
