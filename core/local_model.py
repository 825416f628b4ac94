"""A chat model that runs inside this process: batched over all who wait, held to a JSON schema where asked."""

import asyncio
import secrets
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.core.jsonl import explain
from cocoon.core.local_batch import Batcher
from cocoon.core.local_constraint import Grammars
from cocoon.core.local_sampling import Row, generate, text_of
from cocoon.core.local_template import as_dicts
from cocoon.core.local_weights import Weights, describe_weights, load_weights

# Prompt and reply tokens of a whole batch, with padding: bounds the key-value cache (0.8 GB for SmolLM2 in
# bfloat16, 4.3 GB for an 8B Llama).
TOKEN_BUDGET = 32_768


class CallSettings(BaseModel):
    """What a call may set. `temperature` 0 is greedy; a `seed` of none draws anew each time."""

    model_config = ConfigDict(extra="forbid")

    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1)
    seed: int | None = None
    response_format: dict[str, Any] | None = None


class LocalChat(BaseChatModel):
    """A local model as a LangChain chat model; make one with `load`.

    A reply's `response_metadata` has model_name, finish_reason ("stop" or "length") and, for a reply held to
    a schema, `legal_mass`: per scalar (path such as `items.1`) the lowest probability that the unmasked model
    gave to the legal tokens. `closed_early` is there, and true, when strings were cut for the JSON to end.
    """

    spec: str
    batch_size: int = 16
    _weights: Weights = PrivateAttr()
    _batcher: Batcher = PrivateAttr()
    _grammars: Grammars | None = PrivateAttr(default=None)

    @classmethod
    def load(
        cls, name: str, *, batch_size: int = 16, device: str | None = None, dtype: str | None = None
    ) -> "LocalChat":
        """Load "smollm2" (embedded), a folder, a GGUF file or a Hugging Face id.

        `device` (such as "cpu" or "cuda:0") defaults to a GPU where there is one; `dtype` ("float32",
        "bfloat16", "float16") to what it computes natively. Raises CocoonError for what cannot be loaded.
        """
        model = cls(spec=name, batch_size=batch_size)
        model._weights = load_weights(name, device, dtype)
        weights = model._weights
        model._batcher = Batcher(lambda rows: generate(weights, rows), batch_size, TOKEN_BUDGET)
        return model

    @property
    def weights(self) -> Weights:
        """Network, tokenizer and template."""
        return self._weights

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
        return self._result(self._batcher.submit(row).result())

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        row = self._row(messages, stop, kwargs)
        try:
            return self._result(await asyncio.wrap_future(self._batcher.submit(row)))
        except asyncio.CancelledError:
            row.abandoned = True
            raise

    def _row(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Row:
        try:
            settings = CallSettings.model_validate(kwargs)
        except ValidationError as error:
            raise CocoonError(f"local model {self.spec!r}: {explain(error, CallSettings)}") from None
        prompt = self._weights.template.ids(as_dicts(messages))
        row = Row(prompt, self._room(prompt, settings.max_tokens), settings.temperature, settings.top_p)
        row.generator = _generator(settings)
        row.stop = stop or ()
        if settings.response_format is not None:
            row.constraint = self._hold(settings.response_format)
        return row

    def _room(self, prompt: list[int], wanted: int) -> int:
        room = self._weights.context - len(prompt)
        if room < 1:
            raise CallFailedError(
                "context",
                f"local model {self.spec!r}: the prompt has {len(prompt)} tokens and the model reads at most "
                f"{self._weights.context}, reply included; shorten the dialogue or take another model",
            )
        return min(wanted, room)

    def _hold(self, response_format: dict[str, Any]) -> Any:
        if self._grammars is None:
            weights = self._weights
            self._grammars = Grammars(weights.tokenizer, weights.network.config.vocab_size, weights.eos)
        return self._grammars.hold(response_format)

    def _result(self, row: Row) -> ChatResult:
        facts: dict[str, Any] = {"model_name": self.spec, "finish_reason": row.finish}
        facts |= row.constraint.facts() if row.constraint else {}
        sizes = len(row.prompt), len(row.tokens)
        usage = UsageMetadata(input_tokens=sizes[0], output_tokens=sizes[1], total_tokens=sum(sizes))
        text = text_of(self._weights, row)
        for word in row.stop:
            text = text.partition(word)[0]
        message = AIMessage(content=text, usage_metadata=usage, response_metadata=facts)
        return ChatResult(generations=[ChatGeneration(message=message)])


def _generator(settings: CallSettings) -> Any:
    """The row's own source of random numbers, none for greedy replies."""
    if settings.temperature == 0:
        return None
    import torch

    seed = secrets.randbits(32) if settings.seed is None else settings.seed
    return torch.Generator().manual_seed(seed)


def describe(model: LocalChat) -> dict[str, Any]:
    """What a run's manifest says of a local model."""
    return describe_weights(model.weights)
