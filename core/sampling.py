"""How a model is asked: the settings that every role has."""

import re

from pydantic import Field, JsonValue, field_validator, model_validator

from cocoon.core.records import Record

# What a request has without a setting of the model.
_OWN_KEYS = frozenset({"model", "messages", "stream", "stream_options", "n", "seed", "response_format", "stop"})
_SECRET = re.compile(r"(api|access|secret).?key|token$|secret|password|authori[sz]ation", re.IGNORECASE)


class SamplingConfig(Record):
    """How a model is asked. What is None is left to the server."""

    temperature: float | None = Field(default=0.7, ge=0, le=2, description="Its temperature. Null sends none.")
    max_tokens: int = Field(default=400, ge=1, description="Most tokens of one reply, without thoughts.")
    call_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Most tokens of one call, thoughts included. Null is max_tokens, and more where thoughts need it.",
    )
    top_p: float | None = Field(default=None, gt=0, le=1, description="Its top_p.")
    reasoning_effort: str | None = Field(default=None, description="How much it thinks, such as low or high.")
    service_tier: str | None = Field(default=None, description="The tier of service, such as flex.")
    extra_body: dict[str, JsonValue] | None = Field(
        default=None, description="Further keys of the request, which only some servers know."
    )

    @field_validator("extra_body")
    @classmethod
    def _extra_body_is_extra(cls, body: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        for name in body or {}:
            if name in _OWN_KEYS or name in cls.model_fields:
                raise ValueError(f"key {name!r} is no extra of the request; it has a setting of its own or none")
            if _SECRET.search(name):
                raise ValueError(f"key {name!r} looks like a secret, which every record would contain; leave it out")
        return body

    @model_validator(mode="after")
    def _room_for_the_reply(self) -> "SamplingConfig":
        if self.call_tokens is not None and self.call_tokens < self.max_tokens:
            raise ValueError(
                f"call_tokens {self.call_tokens} is below max_tokens {self.max_tokens}; a reply needs as many"
            )
        return self


class AppraisalConfig(SamplingConfig):
    """How the model that appraises for the guarded user is asked."""

    temperature: float | None = Field(default=0.0, ge=0, le=2, description="Its temperature. Null sends none.")
    max_tokens: int = Field(default=80, ge=1, description="Most tokens of one answer, without thoughts.")
