"""A served row that is steered by the server: `http://HOST/v1#ROW+steer=FILE:COEF`, for vLLM with our plug-in.

Every request has the coefficient, and names the direction by the SHA-256 of its file, among the extra arguments that
vLLM hands through. A server without the plug-in would ignore them and answer unsteered, so that is asked first.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from pydantic import PrivateAttr

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import ARGUMENT_PREFIX, STEERING_REFUSAL, LocalSpec
from cocoon.models.messages import Message
from cocoon.models.remote.endpoint import EndpointChat
from cocoon.models.request_errors import RefusedError

EXTRA_ARGUMENTS = "vllm_xargs"


class SteeredEndpointChat(EndpointChat):
    """An endpoint whose replies are steered. `arguments` go with every request."""

    arguments: dict[str, str | float]
    _is_checked: bool = PrivateAttr(default=False)

    @property
    def facts(self) -> dict[str, Any]:
        """What a manifest says of the steering."""
        return {"steer": {name.removeprefix(ARGUMENT_PREFIX): value for name, value in self.arguments.items()}}

    def _payload(
        self,
        messages: Sequence[BaseMessage] | Sequence[Message],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        known: set[str],
    ) -> dict[str, Any]:
        payload = super()._payload(messages, stop, kwargs, known)
        payload[EXTRA_ARGUMENTS] = {**(payload.get(EXTRA_ARGUMENTS) or {}), **self.arguments}
        return payload

    async def _complete(
        self, messages: Sequence[BaseMessage] | Sequence[Message], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> ChatResult:
        if not self._is_checked:
            await self._check()
        return await super()._complete(messages, stop, kwargs)

    async def _check(self) -> None:
        """Raise CocoonError if the server answers a request that its plug-in would have to refuse."""
        probe = {
            "model": self.model_name,
            "messages": [{"role": "user", "content": "?"}],
            "max_tokens": 1,
            EXTRA_ARGUMENTS: {f"{ARGUMENT_PREFIX}direction": "none", f"{ARGUMENT_PREFIX}coefficient": 1.0},
        }
        try:
            await self._exchange("POST", "/chat/completions", data=orjson.dumps(probe))
        except RefusedError as error:
            if STEERING_REFUSAL not in str(error):
                raise
            self._is_checked = True
        else:
            raise CocoonError(
                f"{self.host} does not steer: it answers what our plug-in for vLLM refuses. Start it with the line of "
                "`cocoon serve-plan`, or leave +steer= out."
            )


def steering_arguments(named: LocalSpec) -> dict[str, str | float]:
    """Return the extra arguments of a request for what a spec names. Raises CocoonError without the direction's file.

    The file's content names the direction, so that a server that holds another one refuses.
    """
    path = Path(named.steer or "").expanduser()
    if not path.is_file():
        raise CocoonError(f"direction {str(path)!r} does not exist here; the server is asked for it by its content")
    values = {
        "direction": hashlib.sha256(path.read_bytes()).hexdigest(),
        "coefficient": named.coefficient,
        **named.options,
    }
    return {f"{ARGUMENT_PREFIX}{name}": value for name, value in values.items()}
