"""A chat model that answers from a script: for tests, demonstrations and the user's own rehearsals."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import (
    BaseChatModel,
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
    ParrotFakeChatModel,
)
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.core.jsonl import read_lines

Script = Callable[[list[BaseMessage], dict[str, Any]], str]


class ScriptedChat(BaseChatModel):
    """Answers with the next line of `replies` (the last one for ever), or with what `script` returns.

    `seen` keeps every call's messages, so that a test can read what the model was told.
    """

    replies: list[str] = []
    script: Script | None = None
    delay: float = 0.0
    _seen: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @classmethod
    def from_file(cls, path: Path) -> "ScriptedChat":
        """Return the replies from a JSONL file of strings.

        Raises CocoonError for a line that is none, or a file without lines.
        """
        replies: list[str] = []
        for number, value in read_lines(path):
            if not isinstance(value, str):
                raise CocoonError(f"{path}, line {number}: must be a string in quotes, one reply a line")
            replies.append(value)
        if not replies:
            raise CocoonError(f"{path}: has no reply; write one string in quotes on each line")
        return cls(replies=replies)

    @property
    def seen(self) -> Sequence[list[BaseMessage]]:
        return self._seen

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        number = len(self._seen)
        self._seen.append(messages)
        if self.script is not None:
            text = self.script(messages, kwargs)
        elif self.replies:
            text = self.replies[min(number, len(self.replies) - 1)]
        else:
            raise CallFailedError("script", "the scripted chat model has no replies")
        sizes = sum(len(str(message.content)) for message in messages) // 4, len(text) // 4
        usage = {"input_tokens": sizes[0], "output_tokens": sizes[1], "total_tokens": sum(sizes)}
        message = AIMessage(content=text, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, messages: list[BaseMessage], *arguments: Any, **options: Any) -> ChatResult:
        del arguments
        await asyncio.sleep(self.delay)
        return self._generate(messages, **options)


_SCRIPTED = (
    ScriptedChat,
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
    ParrotFakeChatModel,
)


def is_scripted(chat: BaseChatModel) -> bool:
    """Return whether a chat model's replies are from a script: ours, or one of LangChain's models for tests."""
    return isinstance(chat, _SCRIPTED)
