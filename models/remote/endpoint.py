"""Remote chat models: langchain-openai's ChatOpenAI over one lean HTTP path, for any OpenAI-compatible server.

ChatOpenAI builds the requests and reads the replies. Only the transport is ours (aiohttp), because the SDK below it
costs more than the rest of a call and hides 429 and Retry-After behind its own retries (docs/decisions/http-path.md has
the numbers).
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import refuse_secrets
from cocoon.core.text import printable_line
from cocoon.models.messages import Message, fit_to_template
from cocoon.models.reply import THOUGHT_FIELDS
from cocoon.models.request_errors import RefusedError, TransientError, error_for_status, retry_after

OPENAI_BASE_URL = "https://api.openai.com/v1"
NO_KEY = "none"
# Examples of how servers say it: "Conversation roles must alternate user/assistant", "First message must be from user",
# "System role not supported".
_USER_FIRST = re.compile(r"alternat|first.{0,40}user|user.{0,40}first|(start|begin).{0,40}user")
_NO_SYSTEM = re.compile(
    r"system.{0,40}(not|n't|no longer) (be )?(supported|allowed|permitted)|(not|n't) support.{0,20}system"
)
_ROLES = {"system": "system", "human": "user", "ai": "assistant"}

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class EndpointChat(ChatOpenAI):
    """A chat model behind an OpenAI-compatible endpoint.

    Raises RateLimitedError, TransientError or RefusedError for `models.pool`, which is the only retry layer. Servers
    differ in what they accept. A refused optional parameter (`seed`, the name of the token limit) is left out or
    renamed, and messages are fitted to a template that refuses them (`user_first`, `no_system`). This is remembered for
    the endpoint in `quirks`.
    """

    _session: aiohttp.ClientSession | None = PrivateAttr(default=None)
    _open: AsyncGenerator[None, None] | None = PrivateAttr(default=None)
    _loop: Any = PrivateAttr(default=None)
    _quirks: set[str] = PrivateAttr(default_factory=set)

    @property
    def host(self) -> str:
        """Return the host and port that the run will talk to."""
        return urlsplit(self.openai_api_base or OPENAI_BASE_URL).netloc

    @property
    def quirks(self) -> frozenset[str]:
        """Return what this server does not accept, as far as its answers have shown."""
        return frozenset(self._quirks)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        quirks = set(self._quirks)
        while True:
            try:
                result = self._read(await self._post(self._payload(messages, stop, kwargs, quirks)))
            except RefusedError as error:
                quirk = self._quirk(error, quirks, {"seed"} & kwargs.keys(), messages)
                if quirk is None:
                    raise
                quirks.add(quirk)
            else:
                # Only an answer confirms it, because the refusal may have had another cause.
                self._quirks |= quirks
                return result

    def _payload(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], quirks: set[str]
    ) -> dict[str, Any]:
        left_out = {"seed"} & quirks
        parameters = {key: value for key, value in kwargs.items() if value is not None and key not in left_out}
        payload = self._get_request_payload(messages, stop=stop, **parameters)
        for name in ("max_tokens", "max_completion_tokens"):
            if name in payload:
                payload[self._limit_name(quirks)] = payload.pop(name)
        if quirks & {"user_first", "no_system"}:
            plain = [_message(message) for message in messages]
            fitted = fit_to_template(plain, "user_first" in quirks, system_role="no_system" not in quirks)
            payload["messages"] = fitted
        return payload

    @property
    def limit_name(self) -> str:
        """Return this server's name for the limit of a reply's tokens, as far as it is known."""
        return self._limit_name(self._quirks)

    def _limit_name(self, quirks: set[str]) -> str:
        uses_newer_name = _is_openai(self.host) != ("limit" in quirks)
        return "max_completion_tokens" if uses_newer_name else "max_tokens"

    def _quirk(
        self, error: RefusedError, quirks: set[str], optional: set[str], messages: list[BaseMessage]
    ) -> str | None:
        """Return a new fact about the server that a refusal shows and that requests can be adapted to, or None."""
        if error.status not in (400, 422):
            return None
        refusal = str(error).lower()
        roles = [_message(message)["role"] for message in messages]
        if "seed" in refusal and optional - quirks:
            return "seed"
        if self._limit_name(quirks) in refusal and "limit" not in quirks:
            return "limit"
        if _NO_SYSTEM.search(refusal) and "system" in roles and "no_system" not in quirks:
            return "no_system"
        first_roles = [role for role in roles if role != "system"][:1]
        if _USER_FIRST.search(refusal) and first_roles == ["assistant"] and "user_first" not in quirks:
            return "user_first"
        return None

    async def _post(self, payload: dict[str, Any]) -> bytes:
        """Return the body of a good answer.

        Redirections are refused, because they would lead to a host that was not named.
        """
        return await self.send("POST", "/chat/completions", data=orjson.dumps(payload))

    def batch_body(self, messages: Sequence[Mapping[str, str]], parameters: dict[str, Any]) -> dict[str, Any]:
        """Return a request as it stands in a batch."""
        return self._payload(
            convert_to_messages([dict(message) for message in messages]), None, parameters, self._quirks
        )

    def read_reply(self, reply: dict[str, Any]) -> AIMessage:
        """Return the message of a chat completion. Raises TransientError where it has none."""
        generation = self._read(orjson.dumps(reply)).generations[0]
        message = generation.message
        if not isinstance(message, AIMessage):
            raise TransientError("no_reply", f"{self.host}: the answer has no message")
        message.response_metadata = {**(generation.generation_info or {}), **message.response_metadata}
        return message

    def learn(self, refusal: RefusedError, body: dict[str, Any]) -> bool:
        """Return whether a refusal shows how to ask so that the server accepts, and keep that in mind."""
        messages = convert_to_messages(body["messages"])
        quirk = self._quirk(refusal, self._quirks, {"seed"} & body.keys(), messages)
        self._quirks |= {quirk} if quirk else set()
        return quirk is not None

    async def send(
        self, method: str, path: str, *, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Return the answer to a request of another kind. Raises RefusedError or TransientError."""
        url = f"{(self.openai_api_base or OPENAI_BASE_URL).rstrip('/')}{path}"
        try:
            session = await self._client()
            async with session.request(method, url, data=data, headers=headers, allow_redirects=False) as response:
                body = await response.read()
        except (aiohttp.ClientError, ConnectionError) as error:
            problem = self._without_key(printable_line(f"{type(error).__name__} {error}"))
            raise TransientError("connection", f"{self.host}: {problem}") from None
        if response.status != 200:
            answer = self._without_key(body[:4000].decode("utf-8", "replace"))
            raise error_for_status(response.status, answer, retry_after(response.headers))
        return body

    def _read(self, body: bytes) -> ChatResult:
        """Return the chat result in an answer with status 200.

        Raises TransientError for an answer without a message.
        """
        try:
            reply = _reply(body)
            result = self._create_chat_result(reply)
            # LangChain reads only what OpenAI names, and drops the thoughts and refusals of a message.
            for generation, choice in zip(result.generations, reply["choices"], strict=True):
                extra = {name: choice["message"].get(name) for name in (*THOUGHT_FIELDS, "refusal")}
                generation.message.additional_kwargs |= {name: value for name, value in extra.items() if value}
            return result
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            excerpt = self._without_key(printable_line(body[:800].decode("utf-8", "replace"), 120))
            raise TransientError("no_reply", f"{self.host}: the answer has no message: {excerpt!r}") from None

    def _without_key(self, text: str) -> str:
        """Return a server's words without the key, which they may quote when the server refuses it."""
        return text.replace(self._token, "***") if self._token else text

    @property
    def _token(self) -> str:
        key = self.openai_api_key
        token = key.get_secret_value() if isinstance(key, SecretStr) else ""
        return "" if token == NO_KEY else token

    async def _client(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            token = self._token
            headers = {"Content-Type": "application/json"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=20)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers)
            self._loop = loop
            self._open = _held_open(self._session)
            await anext(self._open)
        return self._session

    async def aclose(self) -> None:
        """Close the connections."""
        if self._open is not None:
            held, self._open, self._session = self._open, None, None
            await held.aclose()


async def _held_open(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Close a session when the event loop ends, or when nobody needs the model any more.

    A model that a user's own graph holds is closed by nobody else, and the loop closes its asynchronous generators.
    """
    try:
        yield
    finally:
        await session.close()


def _message(message: BaseMessage) -> Message:
    content = message.content if isinstance(message.content, str) else str(message.text)
    return {"role": _ROLES.get(message.type, message.type), "content": content}


def _reply(body: bytes) -> dict[str, Any]:
    """Return a chat completion that has at least one message.

    Raises ValueError, TypeError, KeyError or IndexError for anything else.
    """
    reply = orjson.loads(body)
    message = reply["choices"][0]["message"]
    if not isinstance(message, dict) or not isinstance(message.get("content"), str | list | None):
        raise TypeError("the first choice has no message")
    return reply


def _is_openai(host: str) -> bool:
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _key_name(host: str) -> str:
    """Return the variable that has the key for a host.

    OpenAI's key goes to OpenAI, to this machine, and to OPENAI_BASE_URL. Any other host gets COCOON_API_KEY, so that a
    key is never shown to a server that it was not meant for.
    """
    base_url = os.environ.get("OPENAI_BASE_URL")
    may_get_openai_key = _is_openai(host) or host.split(":")[0].strip("[]") in _LOOPBACK or host.startswith("[::1]")
    return (
        "OPENAI_API_KEY" if may_get_openai_key or (base_url and urlsplit(base_url).netloc == host) else "COCOON_API_KEY"
    )


def open_endpoint(model: str, base_url: str | None) -> EndpointChat:
    """Return an endpoint's chat model. The key is read from the environment and never leaves this object.

    A local server needs no key. Raises CocoonError when OpenAI itself is asked for and no key is set.
    """
    url = (base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL).rstrip("/")
    refuse_secrets(url, "OPENAI_BASE_URL")
    host = _host(url)
    key_name = _key_name(host)
    key = os.environ.get(key_name, "").strip()
    if not key and _is_openai(host):
        raise CocoonError(f"no key for {host}: set {key_name} in the environment")
    if not (key.isascii() and key.isprintable()):
        raise CocoonError(f"{key_name} has characters that no key has (its value is not shown); set it again")
    secret = SecretStr(key or NO_KEY)
    return EndpointChat(model=model, base_url=url, api_key=secret, max_retries=0, use_responses_api=False)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise CocoonError(f"address {url!r} is not understood; write one such as http://127.0.0.1:8000/v1")
    return urlsplit(url).netloc
