"""One request to a model: what it is called with, as far as is known what its server accepts, and how it fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from cocoon.core.errors import AccessDeniedError, CallFailedError, CocoonError
from cocoon.core.text import printable_line
from cocoon.models.by_name import Model
from cocoon.models.entries import LIMIT, usage_of_message
from cocoon.models.messages import Message
from cocoon.models.request_errors import (
    RateLimitedError,
    RefusedError,
    TransientError,
    classify_error,
    denies_access,
    refuses_format,
)
from cocoon.models.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request. With `larger` it may take as many tokens as its settings ever allow. A `seed` is sent for draws."""

    model: Model
    messages: Sequence[Message]
    settings: Settings
    seed: int
    response_format: dict[str, Any] | None
    larger: bool

    @property
    def bytes_in(self) -> int:
        """Return the length of the messages in UTF-8."""
        return sum(len(message["content"].encode("utf-8", "replace")) for message in self.messages)

    def parameters(self) -> dict[str, Any]:
        """Return what the model is called with, which other calls may have changed by what they learnt."""
        is_larger = self.larger or "thinks" in self.model.learnt
        limit = self.settings.larger_limit if is_larger else self.settings.first_limit
        drawn_by = {"seed": self.seed} if self.model.draws(self.settings.temperature) else {}
        sent = {**self.settings.parameters(limit), **drawn_by, "response_format": self.response_format}
        return {name: value for name, value in sent.items() if value is not None}

    def larger_limit(self, parameters: dict[str, Any]) -> int | None:
        """Return the limit in some parameters where it is more than the settings say at first."""
        limit: int = parameters["max_tokens"]
        return None if limit == self.settings.first_limit else limit

    async def send(self) -> AIMessage:
        """Return the model's message. Its tokens are in the ledger."""
        parameters = self.parameters()
        message = await _invoke(self.model, self.messages, parameters)
        message.response_metadata[LIMIT] = self.larger_limit(parameters)
        return message


async def _invoke(model: Model, messages: Sequence[Message], parameters: dict[str, Any]) -> AIMessage:
    try:
        message = await model.chat.ainvoke(list(messages), **parameters)
        model.pool.budget.end_call(usage_of_message(model, message))
        return message
    except (CocoonError, asyncio.CancelledError):
        raise
    except Exception as error:
        ours = classify_error(error)
        if isinstance(ours, RefusedError | TransientError) and "response_format" in parameters and refuses_format(ours):
            raise RefusedError(ours.status, str(ours)) from None
        if isinstance(ours, RefusedError) and denies_access(ours):
            advice = "Check the key and the account, then run the same command again."
            raise AccessDeniedError(f"{model.label}: {ours}. {advice}") from None
        if isinstance(ours, RefusedError):
            raise CallFailedError(str(ours.status), f"{model.label}: {ours}") from None
        if ours is error and not isinstance(error, RateLimitedError | TransientError):
            raise CallFailedError("error", printable_line(f"{model.label}: {type(error).__name__}: {error}")) from error
        raise ours from None
