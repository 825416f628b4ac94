"""Several servers of one model behind one spec: `http://A/v1,http://B/v1#NAME`.

A dialogue stays with one server, whose cache holds the beginning of its prompts. A new one goes to the server with the
fewest requests in flight. A server that fails, is full or says nothing rests for a while, and what it was asked goes to
another one that is well. Trying again, where none is, is the pool's task, as for one server.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.runnables.config import RunnableConfig
from pydantic import PrivateAttr

from cocoon.models.remote.endpoint import EndpointChat
from cocoon.models.remote.server_load import ServerLoad
from cocoon.models.remote.silence import wait_in
from cocoon.models.remote.under_way import dialogue_under_way
from cocoon.models.request_errors import RateLimitedError, TransientError


class ReplicatedChat(BaseChatModel):
    """A chat model at several servers, which are taken to accept the same. What one of them teaches holds for all."""

    servers: list[EndpointChat]
    _load: ServerLoad = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Have the servers share what is learnt."""
        super().model_post_init(context)
        self._load = ServerLoad(len(self.servers))
        for server in self.servers[1:]:
            server.share_learnt(self.learnt)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The servers, in their order. Several of them may be behind one host."""
        return tuple(server.openai_api_base or "" for server in self.servers)

    @property
    def load(self) -> ServerLoad:
        """How busy and how well the servers are."""
        return self._load

    def share_load(self, load: ServerLoad) -> None:
        """Go by what is known of the same servers from other models as well."""
        self._load = load

    @property
    def _llm_type(self) -> str:
        return "replicas"

    @property
    def host(self) -> str:
        """Return the hosts and ports that the run will talk to."""
        return ", ".join(server.host for server in self.servers)

    @property
    def route(self) -> str:
        """Return the hosts with the proxies that the text goes through, for people."""
        return ", ".join(server.route for server in self.servers)

    @property
    def facts(self) -> dict[str, Any]:
        """What a manifest says of the servers."""
        return {**getattr(self.servers[0], "facts", {}), "replicas": [server.host for server in self.servers]}

    @property
    def learnt(self) -> set[str]:
        """What the servers do not accept, as far as their answers have shown."""
        return self.servers[0].learnt

    @property
    def limit_name(self) -> str:
        """Return the servers' name for the limit of a reply's tokens."""
        return self.servers[0].limit_name

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Return the reply of the server that has this dialogue, or of another one where that fails.

        Raises what the last of them raises.
        """
        dialogue, tried = dialogue_under_way(), list[int]()
        number = self._load.choose(dialogue)
        while True:
            try:
                return await self._ask(number, input, config, stop, kwargs)
            except (TransientError, RateLimitedError):
                tried.append(number)
                other = self._load.choose_other(dialogue, tried)
                if other is None:
                    raise
                number = other

    async def _ask(
        self,
        number: int,
        input: LanguageModelInput,
        config: RunnableConfig | None,
        stop: list[str] | None,
        kwargs: dict[str, Any],
    ) -> AIMessage:
        """Return the reply of one server. It rests where it fails, and is well where it answers."""
        state, sent_at = self._load.servers[number], time.monotonic()
        wait_in(state.line)
        state.in_flight += 1
        try:
            message = await self.servers[number].ainvoke(input, config, stop=stop, **kwargs)
        except RateLimitedError as error:
            state.fail(sent_at, error.retry_after)
            raise
        except (TransientError, asyncio.CancelledError):
            # A request is cancelled where the server was silent for too long, or where the run ends.
            state.fail(sent_at)
            raise
        finally:
            state.in_flight -= 1
        state.succeed()
        return message

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return this model with tools, in the form in which a single server takes them."""
        bound = self.servers[0].bind_tools(tools, tool_choice=tool_choice, **kwargs)
        return self.bind(**getattr(bound, "kwargs", {}))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del messages, stop, run_manager, kwargs
        raise NotImplementedError("several servers are asked in an event loop alone: await ainvoke(...)")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        message = await self.ainvoke(messages, stop=stop, **kwargs)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def aclose(self) -> None:
        """Close the connections to all servers."""
        for server in self.servers:
            await server.aclose()
