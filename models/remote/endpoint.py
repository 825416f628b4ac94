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
from langchain_core.callbacks import AsyncCallbackManager, AsyncCallbackManagerForLLMRun, BaseCallbackManager
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages
from langchain_core.outputs import ChatResult
from langchain_core.runnables.config import RunnableConfig, var_child_runnable_config
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.core.model_spec import SERVER_KEY, refuse_secrets, without_secrets
from cocoon.core.outside.private_text import THOUGHT_FIELDS
from cocoon.core.text import printable_line
from cocoon.models.messages import Message, fit_to_template, is_plain
from cocoon.models.remote.capabilities import LIMIT_NAMES, lesson
from cocoon.models.remote.events import BrokenOffError, completion_of, is_stream
from cocoon.models.remote.proxy import proxy_of, route
from cocoon.models.remote.reconnect import ask_anew
from cocoon.models.remote.sdk import deferred_clients
from cocoon.models.remote.silence import heard
from cocoon.models.request_errors import RefusedError, TransientError, error_for_status, retry_after

OPENAI_BASE_URL = "https://api.openai.com/v1"
NO_KEY = "none"
LARGEST_REPLY, LARGEST_FILE = 32 << 20, 1 << 30
"""Bytes of a reply and of a file of replies, unpacked."""
PROXY_DENIES = 407
_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_RENAMES_SYSTEM = re.compile(r"o\d")
"""Names of models for which LangChain calls the system role another name."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class EndpointChat(ChatOpenAI):
    """A chat model behind an OpenAI-compatible endpoint.

    Raises RateLimitedError, TransientError or RefusedError for `models.pool`, which is the only retry layer. Replies
    are streamed where the server can, so that a limit on silence is enough. Servers differ in what they accept. What a
    refusal shows of that (`capabilities.lesson`) is kept in `learnt`, and later requests are made accordingly.
    """

    _session: aiohttp.ClientSession | None = PrivateAttr(default=None)
    _open: AsyncGenerator[None, None] | None = PrivateAttr(default=None)
    _loop: Any = PrivateAttr(default=None)
    _learnt: set[str] = PrivateAttr(default_factory=set)
    _proxy: str | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any, /) -> None:
        """Find out the proxy on the way."""
        super().model_post_init(context)
        self._proxy = proxy_of(self._url)

    @property
    def _url(self) -> str:
        return (self.openai_api_base or OPENAI_BASE_URL).rstrip("/")

    @property
    def host(self) -> str:
        """Return the host and port that the run will talk to."""
        return urlsplit(self._url).netloc

    @property
    def route(self) -> str:
        """Return the host with the proxy that the text goes through, for people."""
        return route(self.host, self._proxy)

    @property
    def learnt(self) -> set[str]:
        """What this server does not accept, as far as its answers have shown. What is added to it is taken as known."""
        return self._learnt

    def share_learnt(self, learnt: set[str]) -> None:
        """Learn together with another server of the same model."""
        self._learnt = learnt

    @property
    def limit_name(self) -> str:
        """Return this server's name for the limit of a reply's tokens, as far as it is known."""
        return self._limit_name(self._learnt)

    def _limit_name(self, known: set[str]) -> str:
        uses_newer_name = _is_openai(self.host) != ("limit" in known)
        return LIMIT_NAMES[uses_newer_name]

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Return the reply as every chat model does.

        Where nobody listens and nothing is cached, LangChain's layers between this method and the request do nothing,
        and take as long as the request itself. They are left out then.
        """
        if config is not None or self._is_listened_to():
            return await super().ainvoke(input, config, stop=stop, **kwargs)
        messages = input if is_plain(input) else self._convert_input(input).to_messages()
        return self._message_of(await self._complete(messages, stop, kwargs))

    def _is_listened_to(self) -> bool:
        """Return whether LangChain has callbacks, a cache or a limit for the calls of this model."""
        around = (var_child_runnable_config.get() or {}).get("callbacks")
        # A graph has looked for them already, and looking takes long.
        manager = around if isinstance(around, BaseCallbackManager) else AsyncCallbackManager.configure(around)
        listeners = manager.handlers or self.callbacks or self.verbose
        return bool(listeners or self.cache or get_llm_cache() or self.rate_limiter or self.output_version == "v1")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        return await self._complete(messages, stop, kwargs)

    async def _complete(
        self, messages: Sequence[BaseMessage] | Sequence[Message], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> ChatResult:
        known = set(self._learnt)
        while True:
            payload = self._payload(messages, stop, kwargs, known)
            try:
                result = self._result(await self._post(payload))
            except (RefusedError, TransientError) as error:
                fact = lesson(error.status, str(error), payload, known)
                if fact is None:
                    raise
                known.add(fact)
            else:
                # Only an answer confirms it, because the refusal may have had another cause.
                self._learnt |= known
                return result

    def _payload(
        self,
        messages: Sequence[BaseMessage] | Sequence[Message],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        known: set[str],
    ) -> dict[str, Any]:
        left_out = {"seed", "temperature"} & known
        parameters = {key: value for key, value in kwargs.items() if value is not None and key not in left_out}
        # LangChain takes as long for the messages as for all the rest, and does nothing to plain ones.
        plain = messages if is_plain(messages) and not _RENAMES_SYSTEM.match(self.model_name) else None
        payload = self._get_request_payload([] if plain else list(messages), stop=stop, **parameters)
        if plain:
            payload["messages"] = plain
        payload |= payload.pop("extra_body", None) or {}
        # A streamed reply shows that a slow server is at work. A call of tools is not put together from pieces here.
        if "stream" not in known and not payload.keys() & {"tools", "functions", "n"}:
            payload["stream"] = True
            payload |= {} if "stream_options" in known else {"stream_options": {"include_usage": True}}
        for name in LIMIT_NAMES:
            if name in payload:
                payload[self._limit_name(known)] = payload.pop(name)
        if known & {"user_first", "no_system"}:
            talk = plain or [_message(message) for message in convert_to_messages(list(messages))]
            fitted = fit_to_template(talk, "user_first" in known, system_role="no_system" not in known)
            payload["messages"] = fitted
        return payload

    async def _post(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the chat completion in a good answer."""
        return self._completion(*await self._exchange("POST", "/chat/completions", data=orjson.dumps(payload)))

    def batch_body(self, messages: Sequence[Mapping[str, str]], parameters: dict[str, Any]) -> dict[str, Any]:
        """Return a request as it stands in a batch, where nothing is streamed."""
        return self._payload([dict(message) for message in messages], None, parameters, {*self._learnt, "stream"})

    def read_reply(self, reply: dict[str, Any]) -> AIMessage:
        """Return the message of a chat completion. Raises TransientError where it has none."""
        return self._message_of(self._result(self._completion("application/json", orjson.dumps(reply))))

    def _message_of(self, result: ChatResult) -> AIMessage:
        """Return the message of a result, with all that is known of it. Raises TransientError where it has none."""
        generation, message = result.generations[0], result.generations[0].message
        if not isinstance(message, AIMessage):
            raise TransientError("no_reply", f"{self.host}: the answer has no message")
        message.response_metadata = {
            **(result.llm_output or {}),
            **(generation.generation_info or {}),
            **message.response_metadata,
        }
        return message

    def learn(self, refusal: RefusedError, body: dict[str, Any]) -> bool:
        """Return whether a refusal shows how to ask so that the server accepts, and keep that in mind."""
        fact = lesson(refusal.status, str(refusal), body, self._learnt)
        self._learnt |= {fact} if fact else set()
        return fact is not None

    async def send(
        self, method: str, path: str, *, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Return the answer to a request of another kind. Raises RefusedError or TransientError."""
        _, body = await self._exchange(method, path, data=data, headers=headers, most=LARGEST_FILE)
        return bytes(body)

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        data: bytes | None,
        headers: Mapping[str, str] | None = None,
        most: int = LARGEST_REPLY,
    ) -> tuple[str, bytearray]:
        """Return the type and the body of a good answer.

        Redirections are refused, because they would lead to a host that was not named.
        """
        try:
            session = await self._client()
            async with session.request(
                method, f"{self._url}{path}", data=data, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as response:
                body = await self._body(response, most)
        except (aiohttp.ClientError, ConnectionError) as error:
            problem = self._without_key(printable_line(f"{type(error).__name__} {error}"))
            if isinstance(error, aiohttp.ClientHttpProxyError) and error.status == PROXY_DENIES:
                raise RefusedError(error.status, problem) from None
            raise TransientError("connection", f"{self.host}: {problem}") from None
        if response.status != 200:
            answer = self._without_key(body[:4000].decode("utf-8", "replace"))
            raise error_for_status(response.status, answer, retry_after(response.headers))
        return response.content_type, body

    async def _body(self, response: aiohttp.ClientResponse, most: int) -> bytearray:
        """Return the body as far as it may go. Each piece of it breaks the silence."""
        body = bytearray()
        async for piece in response.content.iter_any():
            heard()
            body += piece
            if len(body) > most:
                response.close()
                raise CallFailedError("too_large", f"{self.host}: a reply of more than {most >> 20} MiB")
        return body

    def _completion(self, content_type: str, body: bytes | bytearray) -> dict[str, Any]:
        """Return the chat completion in an answer with status 200, which has at least one message.

        A proxy may put an error into such an answer. Raises TransientError for an answer without a message.
        """
        try:
            reply = completion_of(body) if is_stream(content_type, body) else orjson.loads(body)
            if "choices" not in reply and isinstance(status := reply["error"].get("code"), int) and status >= 400:
                raise error_for_status(status, self._without_key(orjson.dumps(reply["error"]).decode()), None)
            message = reply["choices"][0]["message"]
            if not isinstance(message, dict) or not isinstance(message.get("content"), str | list | None):
                raise TypeError("the first choice has no message")
            return reply
        except BrokenOffError as error:
            raise TransientError("connection", f"{self.host}: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise self._no_reply(body) from None

    def _no_reply(self, body: bytes | bytearray) -> TransientError:
        excerpt = self._without_key(printable_line(body[:800].decode("utf-8", "replace"), 120))
        return TransientError("no_reply", f"{self.host}: the answer has no message: {excerpt!r}")

    def _result(self, reply: dict[str, Any]) -> ChatResult:
        """Return a chat completion as LangChain has it.

        Raises TransientError for one that it cannot read.
        """
        try:
            result = self._create_chat_result(reply)
            # LangChain reads only what OpenAI names, and drops the thoughts and refusals of a message.
            for generation, choice in zip(result.generations, reply["choices"], strict=True):
                extra = {name: choice["message"].get(name) for name in (*THOUGHT_FIELDS, "refusal")}
                generation.message.additional_kwargs |= {name: value for name, value in extra.items() if value}
            return result
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise self._no_reply(orjson.dumps(reply)[:800]) from None

    def _without_key(self, text: str) -> str:
        """Return a server's words without the key, which they may quote when the server refuses it.

        A proxy's address may hold a password, and is told without it too.
        """
        return without_secrets(text.replace(self._token, "***") if self._token else text)

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
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, headers=headers, middlewares=(ask_anew,)
            )
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


def _is_openai(host: str) -> bool:
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _key_name(host: str) -> str:
    """Return the variable that has the key for a host.

    OpenAI's key goes to OpenAI, to this machine, and to OPENAI_BASE_URL. This machine gets COCOON_SERVER_KEY instead
    where it is set. Any other host gets COCOON_API_KEY, so that a key is never shown to a server that it was not meant
    for.
    """
    base_url = os.environ.get("OPENAI_BASE_URL")
    is_here = host.split(":")[0].strip("[]") in _LOOPBACK or host.startswith("[::1]")
    if is_here and os.environ.get(SERVER_KEY):
        return SERVER_KEY
    may_get_openai_key = is_here or _is_openai(host) or (base_url and urlsplit(base_url).netloc == host)
    return "OPENAI_API_KEY" if may_get_openai_key else "COCOON_API_KEY"


def open_endpoint(
    model: str, base_url: str | None, kind: type[EndpointChat] = EndpointChat, **fields: Any
) -> EndpointChat:
    """Return an endpoint's chat model. The key is read from the environment and never leaves this object.

    `fields` are what a `kind` of endpoint has of its own. A local server needs no key. Raises CocoonError when OpenAI
    itself is asked for and no key is set.
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
    settings = {"model": model, "base_url": url, "api_key": SecretStr(key or NO_KEY), "max_retries": 0}
    return kind(**settings, **deferred_clients(settings), use_responses_api=False, **fields)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise CocoonError(f"address {url!r} is not understood; write one such as http://127.0.0.1:8000/v1")
    return urlsplit(url).netloc
