"""How a call is made: temperature, limits and what else a server lets a caller choose."""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from cocoon.core.sampling import SamplingConfig

LEAST_LARGER_LIMIT = 2048
_ALWAYS_IN_KEY = ("temperature", "max_tokens")


@dataclass(frozen=True)
class Settings:
    """Settings of a call. None is left to the server, for the temperature too. 0 is greedy.

    `max_tokens` is the limit of what is spoken, `call_tokens` that of the whole call with the thoughts before the words
    (None: as large as `max_tokens`, and larger where a model's thoughts leave no room for words). The others are as in
    the OpenAI protocol. `extra_body` has keys that only one kind of server knows.
    """

    temperature: float | None = 0.0
    max_tokens: int = 400
    call_tokens: int | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    service_tier: str | None = None
    extra_body: Mapping[str, JsonValue] | None = None

    @classmethod
    def of(cls, config: SamplingConfig) -> "Settings":
        """Return the settings that a role's configuration has."""
        return cls(**{name: getattr(config, name) for name in SamplingConfig.model_fields})

    @functools.cached_property
    def key(self) -> dict[str, Any]:
        """What belongs to a call's identity: not what was left out, so that calls of older journals stay equal."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if name in _ALWAYS_IN_KEY or value not in (None, {})}

    @property
    def first_limit(self) -> int:
        """The limit that a call is sent with at first."""
        return self.call_tokens or self.max_tokens

    @property
    def larger_limit(self) -> int:
        """The limit where thoughts used up the first one. It is no larger where that is not allowed."""
        return self.call_tokens or max(LEAST_LARGER_LIMIT, 4 * self.max_tokens)

    def parameters(self, limit: int) -> dict[str, Any]:
        """Return what a chat model is called with."""
        sent = {name: value for name, value in self.key.items() if name != "call_tokens"}
        return {**sent, "max_tokens": limit}
