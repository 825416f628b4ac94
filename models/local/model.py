"""A chat model that runs inside this process, in batches across all callers, with JSON schemas where asked."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.core.jsonl import explain
from cocoon.models.local.base import LocalBase
from cocoon.models.local.control import Adapter, LocalControl
from cocoon.models.local.sampling import ReplyRow, text_of
from cocoon.models.local.stream import Listener
from cocoon.models.local.template import as_dicts
from cocoon.models.local.weights import Weights, describe_weights


class CallSettings(BaseModel):
    """The settings of a call. `temperature` 0 is greedy, and a `seed` of None gives a new sample each time.

    `coefficient` is that of the model's control for this call alone. None means the model's own coefficient.
    """

    model_config = ConfigDict(extra="forbid")

    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1)
    seed: int | None = None
    response_format: dict[str, Any] | None = None
    coefficient: float | None = Field(default=None, allow_inf_nan=False)


class LocalChat(BaseChatModel):
    """A local model as a LangChain chat model. Open one with `load`, or several with `on` on one base.

    A reply's `response_metadata` has model_name, finish_reason ("stop" or "length") and, for a reply held to a schema,
    `legal_mass`: per scalar (path such as `items.1`) the lowest probability that the unmasked model gave to the legal
    tokens. `closed_early` is present, and true, when strings were cut so that the JSON could end.
    """

    spec: str
    coefficient: float = 0.0
    _base: LocalBase = PrivateAttr()
    _adapter: Adapter | None = PrivateAttr(default=None)
    _control: LocalControl | None = PrivateAttr(default=None)

    @classmethod
    def load(
        cls, name: str, *, batch_size: int = 16, device: str | None = None, dtype: str | None = None
    ) -> "LocalChat":
        """Return the plain model of that name on a base of its own. See `LocalBase.load`."""
        return cls.on(LocalBase.load(name, batch_size=batch_size, device=device, dtype=dtype), name)

    @classmethod
    def on(
        cls,
        base: LocalBase,
        spec: str,
        *,
        adapter: Adapter | None = None,
        control: LocalControl | None = None,
        coefficient: float = 0.0,
    ) -> "LocalChat":
        """Return a chat on a loaded base, with its adapter, steered by `control` times `coefficient`.

        Chats on one base are written in one batch, whatever their coefficients. Those of another adapter wait.
        """
        model = cls(spec=spec, coefficient=coefficient)
        model._base, model._adapter, model._control = base, adapter, control
        return model

    @property
    def base(self) -> LocalBase:
        """Return the base that this chat shares with others."""
        return self._base

    @property
    def adapter(self) -> Adapter | None:
        """Return the adapter that is laid over the base, or None."""
        return self._adapter

    @property
    def control(self) -> LocalControl | None:
        """Return the control that steers this chat, or None."""
        return self._control

    @property
    def weights(self) -> Weights:
        """Return network, tokenizer and template."""
        return self._base.weights

    @property
    def _llm_type(self) -> str:
        return "cocoon-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.spec}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        row = self._row(messages, stop, kwargs)
        return self._result(self._base.batcher.submit(row).result())

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        row = self._row(messages, stop, kwargs)
        try:
            return self._result(await asyncio.wrap_future(self._base.batcher.submit(row)))
        except asyncio.CancelledError:
            row.abandoned = True
            raise

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        row = self._row(messages, stop, kwargs)
        listener = Listener(self._base.weights, row)
        writing = asyncio.wrap_future(self._base.batcher.submit(row))
        try:
            async for text in listener.pieces(writing):
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=text))
                if run_manager is not None:
                    await run_manager.on_llm_new_token(text, chunk=chunk)
                yield chunk
        finally:
            row.abandoned = True
            writing.cancel()
        yield ChatGenerationChunk(message=AIMessageChunk(content="", **self._facts(row), chunk_position="last"))

    def _row(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> ReplyRow:
        try:
            settings = CallSettings.model_validate(kwargs)
        except ValidationError as error:
            raise CocoonError(f"local model {self.spec!r}: {explain(error, CallSettings)}") from None
        template, talk = self._base.weights.template, as_dicts(messages)
        prompt = template.ids(talk)
        row = ReplyRow(prompt, self._token_limit(prompt, settings.max_tokens), settings.temperature, settings.top_p)
        row.generator = _generator(settings)
        row.stop = stop or ()
        if settings.response_format is not None:
            row.constraint = self._base.grammars.hold(settings.response_format)
        row.adapter, row.control = self._adapter, self._control
        row.coefficient = self._coefficient_of(settings)
        if row.coefficient and row.control is not None and row.control.needs_earlier:
            row.earlier = template.earlier_replies(talk)
        return row

    def _coefficient_of(self, settings: CallSettings) -> float:
        if settings.coefficient and self._control is None:
            raise CocoonError(f"local model {self.spec!r}: a coefficient needs a direction; add +steer=PATH:COEF")
        return self.coefficient if settings.coefficient is None else settings.coefficient

    def _token_limit(self, prompt: list[int], max_tokens: int) -> int:
        room = self._base.weights.context - len(prompt)
        if room < 1:
            raise CallFailedError(
                "context",
                f"local model {self.spec!r}: the prompt has {len(prompt)} tokens and the model reads at most "
                f"{self._base.weights.context}, reply included; shorten the dialogue or use another model",
            )
        return min(max_tokens, room)

    def _result(self, row: ReplyRow) -> ChatResult:
        text = text_of(self._base.weights, row)
        for word in row.stop:
            text = text.partition(word)[0]
        message = AIMessage(content=text, **self._facts(row))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _facts(self, row: ReplyRow) -> dict[str, Any]:
        facts: dict[str, Any] = {"model_name": self.spec, "finish_reason": row.finish}
        facts |= row.constraint.facts() if row.constraint else {}
        sizes = len(row.prompt), len(row.tokens)
        usage = UsageMetadata(input_tokens=sizes[0], output_tokens=sizes[1], total_tokens=sum(sizes))
        return {"usage_metadata": usage, "response_metadata": facts}


def _generator(settings: CallSettings) -> Any:
    """Return the row's own source of random numbers, or None for greedy replies."""
    if settings.temperature == 0:
        return None
    import torch

    seed = secrets.randbits(32) if settings.seed is None else settings.seed
    return torch.Generator().manual_seed(seed)


def describe(model: LocalChat) -> dict[str, Any]:
    """Return what a run's manifest says about a local model, its adapter and its control."""
    facts = describe_weights(model.weights)
    if model.adapter is not None:
        facts["adapter"] = model.adapter.facts()
    if model.control is not None:
        facts["steer"] = {"coefficient": model.coefficient, **model.control.facts()}
    return facts
