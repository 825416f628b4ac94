"""Remote chat models: langchain-openai's ChatOpenAI over one lean HTTP path, for any OpenAI-compatible server.

Requests and replies are built and read by ChatOpenAI; only the transport is ours (aiohttp), because the SDK below it
costs more than all the rest of a call together and hides 429 and Retry-After behind retries of its own
(docs/decisions/http-path.md has the figures).
"""

import asyncio
import os
import re
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from cocoon.core.errors import CocoonError
from cocoon.core.messages import Message, fit_to_template
from cocoon.core.model_spec import refuse_secrets
from cocoon.core.pool import RefusedError, TransientError, error_for_status, seconds

OPENAI_BASE_URL = "https://api.openai.com/v1"
NO_KEY = "none"
# How servers word it: "Conversation roles must alternate user/assistant", "First message must be from user",
# "System role not supported".
_USER_FIRST = re.compile(r"alternat|first.{0,40}user|user.{0,40}first|(start|begin).{0,40}user")
_NO_SYSTEM = re.compile(
    r"system.{0,40}(not|n't|no longer) (be )?(supported|allowed|permitted)|(not|n't) support.{0,20}system"
)
_ROLES = {"system": "system", "human": "user", "ai": "assistant"}


class EndpointChat(ChatOpenAI):
    """A chat model behind an OpenAI-compatible endpoint.

    Raises RateLimitedError, TransientError or RefusedError from `core.pool`, which is the one retry layer. Servers
    differ in what they accept: a refused optional parameter (`seed`, the name of the token limit) is left out or
    renamed, messages are fitted to a template that refuses them (`user_first`, `no_system`), and that is remembered
    for the endpoint in `quirks`.
    """

    _session: aiohttp.ClientSession | None = PrivateAttr(default=None)
    _loop: Any = PrivateAttr(default=None)
    _quirks: set[str] = PrivateAttr(default_factory=set)

    @property
    def host(self) -> str:
        """Host and port that the run will talk to."""
        return urlsplit(self.openai_api_base or OPENAI_BASE_URL).netloc

    @property
    def quirks(self) -> frozenset[str]:
        """What this server was found not to accept."""
        return frozenset(self._quirks)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        payload = self._payload(messages, stop, kwargs)
        while True:
            try:
                return self._create_chat_result(await self._post(payload))
            except RefusedError as error:
                if not self._learn(error, payload):
                    raise

    def _payload(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        payload: dict[str, Any] = {"model": self.model_name, "messages": self._fitted(messages)}
        payload |= {key: value for key, value in kwargs.items() if value is not None and key != "max_tokens"}
        if stop:
            payload["stop"] = stop
        if kwargs.get("max_tokens") is not None:
            payload[self.limit_name] = kwargs["max_tokens"]
        if "seed" in self._quirks:
            payload.pop("seed", None)
        return payload

    def _fitted(self, messages: list[BaseMessage]) -> list[Message]:
        plain = [_message(message) for message in messages]
        if not self._quirks & {"user_first", "no_system"}:
            return plain
        return fit_to_template(plain, "user_first" in self._quirks, system_role="no_system" not in self._quirks)

    @property
    def limit_name(self) -> str:
        """What this server calls the limit of a reply's tokens, as far as is known."""
        newer = self.host.endswith("api.openai.com") != ("limit" in self._quirks)
        return "max_completion_tokens" if newer else "max_tokens"

    def _learn(self, error: RefusedError, payload: dict[str, Any]) -> bool:
        """Adapt the payload to a refusal that names an optional parameter; False when there is nothing to adapt."""
        limit = self.limit_name
        if error.status not in (400, 422):
            return False
        if "seed" in str(error) and "seed" in payload:
            self._quirks.add("seed")
            del payload["seed"]
            return True
        if limit in str(error) and limit in payload and "limit" not in self._quirks:
            self._quirks.add("limit")
            payload[self.limit_name] = payload.pop(limit)
            return True
        return self._learn_template(str(error).lower(), payload)

    def _learn_template(self, refusal: str, payload: dict[str, Any]) -> bool:
        """Fit the messages to a server whose chat template takes no system role, or wants the user to open."""
        messages: list[Message] = payload["messages"]
        roles = [message["role"] for message in messages]
        if _NO_SYSTEM.search(refusal) and "system" in roles:
            self._quirks.add("no_system")
        elif _USER_FIRST.search(refusal) and [role for role in roles if role != "system"][:1] == ["assistant"]:
            self._quirks.add("user_first")
        else:
            return False
        payload["messages"] = fit_to_template(
            messages, "user_first" in self._quirks, system_role="no_system" not in self._quirks
        )
        return True

    async def _post(self, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            async with self._client().post(
                f"{self.openai_api_base or OPENAI_BASE_URL}/chat/completions".replace("//chat", "/chat"),
                data=orjson.dumps(payload),
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, ConnectionError) as error:
            raise TransientError("connection", f"{self.host}: {type(error).__name__} {error}") from None
        if response.status != 200:
            wait = seconds(response.headers.get("retry-after"))
            raise error_for_status(response.status, self._without_key(body.decode("utf-8", "replace")), wait)
        return _reply(body)

    def _without_key(self, text: str) -> str:
        """A server's words, which may quote the key that it refuses."""
        return text.replace(self._token, "***") if len(self._token) > len(NO_KEY) else text

    @property
    def _token(self) -> str:
        key = self.openai_api_key
        return key.get_secret_value() if isinstance(key, SecretStr) else ""

    def _client(self) -> aiohttp.ClientSession:
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
        return self._session

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _message(message: BaseMessage) -> Message:
    content = message.content if isinstance(message.content, str) else str(message.text)
    return {"role": _ROLES.get(message.type, message.type), "content": content}


def _reply(body: bytes) -> dict[str, Any]:
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise TransientError("no_reply", f"the endpoint's answer is not JSON: {body[:80]!r}") from None
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not choices or not isinstance(choices[0].get("message"), dict):
        raise TransientError("no_reply", f"the endpoint's answer has no message: {body[:120]!r}")
    return reply


def open_endpoint(model: str, base_url: str | None, key_name: str = "OPENAI_API_KEY") -> EndpointChat:
    """An endpoint's chat model; the key is read from the environment and never leaves this object.

    A local server needs no key. Raises CocoonError when OpenAI itself is asked for and no key is set.
    """
    url = (base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL).rstrip("/")
    refuse_secrets(url, "OPENAI_BASE_URL")
    key = os.environ.get(key_name, "")
    if not key and urlsplit(url).netloc.endswith("api.openai.com"):
        raise CocoonError(f"no key for {urlsplit(url).netloc}: set {key_name} in the environment")
    return EndpointChat(model=model, base_url=url, api_key=SecretStr(key or NO_KEY), max_retries=0)
