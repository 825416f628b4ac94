"""Several servers of one model behind one spec: `http://A/v1,http://B/v1#NAME`.

A dialogue stays with one server, whose cache holds the beginning of its prompts. A new one goes to the server with the
fewest requests in flight. A server that breaks off, or says nothing, rests for a while, and its dialogues move to the
others. Trying again is the pool's task, as for one server.
"""

import asyncio
import time
from collections import OrderedDict
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables.config import RunnableConfig
from pydantic import PrivateAttr

from cocoon.models.remote.endpoint import EndpointChat
from cocoon.models.remote.under_way import dialogue_under_way
from cocoon.models.request_errors import TransientError

FIRST_REST, LONGEST_REST = 2.0, 60.0
"""Seconds in which a server is not asked after its first failure, and after many in a row."""
_REMEMBERED = 100_000
_AWAY = frozenset({502, 503, 504})


class ReplicatedChat(BaseChatModel):
    """A chat model at several servers, which are taken to accept the same. What one of them teaches holds for all."""

    servers: list[EndpointChat]
    _in_flight: list[int] = PrivateAttr()
    _dialogues: list[int] = PrivateAttr()
    _failures: list[int] = PrivateAttr()
    _rests_until: list[float] = PrivateAttr()
    _server_of: OrderedDict[str, int] = PrivateAttr(default_factory=OrderedDict)

    def model_post_init(self, context: Any, /) -> None:
        """Have the servers share what is learnt."""
        super().model_post_init(context)
        count = len(self.servers)
        self._in_flight, self._dialogues, self._failures = [0] * count, [0] * count, [0] * count
        self._rests_until = [0.0] * count
        for server in self.servers[1:]:
            server.share_learnt(self.learnt)

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
        """Return the reply of the server that has this dialogue. Raises what it raises, after which it may rest."""
        number = self._choose(dialogue_under_way())
        self._in_flight[number] += 1
        try:
            message = await self.servers[number].ainvoke(input, config, stop=stop, **kwargs)
        except TransientError as error:
            if error.kind == "connection" or error.status in _AWAY:
                self._rest(number)
            raise
        except asyncio.CancelledError:
            # The server was silent for too long, or the run ends.
            self._rest(number)
            raise
        finally:
            self._in_flight[number] -= 1
        self._failures[number] = 0
        return message

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

    def _rest(self, number: int) -> None:
        """Leave a server alone, for twice as long with every failure."""
        seconds = min(LONGEST_REST, FIRST_REST * 2 ** self._failures[number])
        self._rests_until[number] = time.monotonic() + seconds
        self._failures[number] += 1

    def _choose(self, dialogue: str) -> int:
        """Return the number of the server to ask: that of the dialogue, unless it rests."""
        now, numbers = time.monotonic(), range(len(self.servers))
        awake = [number for number in numbers if self._rests_until[number] <= now]
        assigned = self._server_of.get(dialogue)
        if assigned is not None and assigned in awake:
            self._server_of.move_to_end(dialogue)
            return assigned
        # Where all of them rest, the one that has rested most is asked.
        chosen = min(
            awake or [min(numbers, key=self._rests_until.__getitem__)],
            key=lambda number: (self._in_flight[number], self._dialogues[number]),
        )
        if dialogue:
            self._assign(dialogue, chosen)
        return chosen

    def _assign(self, dialogue: str, number: int) -> None:
        former = self._server_of.pop(dialogue, None)
        if former is None and len(self._server_of) >= _REMEMBERED:
            _, former = self._server_of.popitem(last=False)
        if former is not None:
            self._dialogues[former] -= 1
        self._server_of[dialogue] = number
        self._dialogues[number] += 1

    async def aclose(self) -> None:
        """Close the connections to all servers."""
        for server in self.servers:
            await server.aclose()
