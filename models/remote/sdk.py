"""OpenAI's SDK below ChatOpenAI, opened where something needs it: to build it takes as long as a hundred calls."""

from functools import cached_property
from typing import Any

from langchain_openai import ChatOpenAI


class DeferredClient:
    """One of the SDK's clients by its name in ChatOpenAI. It is opened with `settings` when somebody first uses it.

    This package sends its requests by `EndpointChat`. Only what it leaves to LangChain (calls without an event loop)
    goes through the SDK.
    """

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        self._name, self._settings = name, settings

    @cached_property
    def _client(self) -> Any:
        return getattr(ChatOpenAI(**self._settings), self._name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._client, name)


def deferred_clients(settings: dict[str, Any]) -> dict[str, DeferredClient]:
    """Return ChatOpenAI's arguments that keep it from opening the SDK at once."""
    names = ("client", "root_client", "async_client", "root_async_client")
    return {name: DeferredClient(name, settings) for name in names}
