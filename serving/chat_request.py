"""A request for a chat completion, checked before anything is computed."""

import hashlib
from typing import Annotated, Any, Literal

import orjson
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cocoon.core.jsonl import explain
from cocoon.serving.api_errors import ApiError
from cocoon.serving.guard import DEEPEST_BODY, is_deeper

_SEED = 2**63
_SPEAKERS: dict[str, type[BaseMessage]] = {
    "system": SystemMessage,
    "developer": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}
# Fields that clients send and that change nothing here.
_HARMLESS = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "user"})
# Fields that would change the reply, with the values that ask for no change.
_UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "audio": (None,),
    "frequency_penalty": (None, 0),
    "function_call": (None, "none"),
    "functions": (None, []),
    "logit_bias": (None, {}),
    "logprobs": (None, False),
    "modalities": (None, ["text"]),
    "parallel_tool_calls": (None, False, True),
    "prediction": (None,),
    "presence_penalty": (None, 0),
    "reasoning_effort": (None, "none"),
    "tool_choice": (None, "none", "auto"),
    "tools": (None, []),
    "top_logprobs": (None, 0),
    "verbosity": (None,),
    "web_search_options": (None,),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextPart(_Strict):
    """A part of a message's content. Only text is read."""

    type: Literal["text"]
    text: str


class ChatMessage(_Strict):
    """One message. `name` is accepted, but the model does not see it."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: str | None = None
    refusal: None = None

    def as_langchain(self) -> BaseMessage:
        """Return the same message for a chat model."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return _SPEAKERS[self.role](text)


class Steer(_Strict):
    """Our own field: the coefficient of the control for this request alone."""

    coefficient: float = Field(allow_inf_nan=False)


class StreamOptions(_Strict):
    """`include_usage` asks for another chunk at the end, with the token counts and no choice."""

    include_usage: bool = False
    include_obfuscation: bool = False


Word = Annotated[str, Field(min_length=1, max_length=200)]


class ChatRequest(_Strict):
    """The fields of a chat completion that this server uses. Defaults are OpenAI's, so `temperature` is 1."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=1, ge=1, le=128)
    temperature: float | None = Field(default=1.0, ge=0, le=2)
    top_p: float | None = Field(default=1.0, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stop: Word | Annotated[list[Word], Field(max_length=16)] | None = None
    seed: int | None = Field(default=None, ge=-_SEED, lt=_SEED)
    response_format: dict[str, Any] | None = None
    steer: Steer | None = None

    @property
    def talk(self) -> list[BaseMessage]:
        """Return the messages for a chat model."""
        return [message.as_langchain() for message in self.messages]

    @property
    def stop_words(self) -> list[str] | None:
        """Return the stop words as a list."""
        return [self.stop] if isinstance(self.stop, str) else self.stop

    def settings(self, most_tokens: int, choice: int) -> dict[str, Any]:
        """Return the settings of the local model for one of the choices, counted from 0."""
        token_limit = self.max_completion_tokens or self.max_tokens or most_tokens
        settings: dict[str, Any] = {
            "temperature": 1.0 if self.temperature is None else self.temperature,
            "top_p": 1.0 if self.top_p is None else self.top_p,
            "max_tokens": min(token_limit, most_tokens),
            "seed": _seed(self.seed, choice),
            "response_format": self.response_format,
        }
        return settings | ({"coefficient": self.steer.coefficient} if self.steer else {})


def _seed(seed: int | None, choice: int) -> int | None:
    """Return the seed of a choice.

    The first choice uses the seed itself. The others use seeds of their own that no neighbouring seed shares.
    """
    if seed is None or choice == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}:{choice}".encode()).digest()[:7])


def read_request(body: bytes) -> ChatRequest:
    """Return the request in a body.

    Raises ApiError (400) naming the field at fault.
    """
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"the body is not JSON ({error})") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "the body must be a JSON object")
    if is_deeper(fields, DEEPEST_BODY):
        raise ApiError(400, f"the body has more than {DEEPEST_BODY} levels")
    supported = {name: value for name, value in fields.items() if not _has_no_effect(name, value)}
    try:
        return ChatRequest.model_validate(supported)
    except ValidationError as error:
        field_path = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise ApiError(400, explain(error, ChatRequest), param=field_path[:80]) from None


def _has_no_effect(name: str, value: Any) -> bool:
    """Return whether a field can be left out.

    Raises ApiError for a field that asks for something this server cannot do.
    """
    if name not in _UNSUPPORTED:
        return name in _HARMLESS
    if value not in _UNSUPPORTED[name]:
        raise ApiError(400, f"{name!r} is not supported by this server", code="unsupported_parameter", param=name)
    return True
