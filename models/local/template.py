"""Turn messages into the token ids of a prompt: template, one BOS, and no control tokens from what was said."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.models.messages import Message, fit_to_template

_ROLES = {"human": "user", "ai": "assistant", "system": "system"}


def as_dicts(messages: Sequence[BaseMessage]) -> list[Message]:
    """Return LangChain messages as role and text.

    Raises CallFailedError for any message that is not plain text of a system, user or assistant.
    """
    plain: list[Message] = []
    for message in messages:
        if message.type not in _ROLES:
            raise CallFailedError("messages", f"a local model does not accept {message.type!r} messages")
        plain.append({"role": _ROLES[message.type], "content": str(message.text)})
    return plain


@dataclass
class Template:
    """A tokenizer's chat template and what is known about it: must the user speak first, is there a system role."""

    tokenizer: Any
    user_first: bool
    system_role: bool
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def learn(cls, tokenizer: Any, name: str) -> "Template":
        """Try the template on short conversations and return what it accepts.

        Raises CocoonError when it cannot render even a user's turn.
        """
        user, system = {"role": "user", "content": "USER-TURN"}, {"role": "system", "content": "SYSTEM-TEXT"}
        supporter_turn = {"role": "assistant", "content": "OPENING-TURN"}
        if not _renders(tokenizer, [user]):
            raise CocoonError(
                f"model {name!r} has no chat template that works; choose an instruct or chat model, or give one: "
                "local:BASE+template=FILE"
            )
        system_role = _renders(tokenizer, [system, user])
        head = [system] if system_role else []
        supporter_may_open = _renders(tokenizer, [supporter_turn, user]) and _renders(
            tokenizer, [*head, supporter_turn, user]
        )
        return cls(tokenizer, not supporter_may_open, system_role)

    @property
    def sha256(self) -> str:
        """Return the hash of the template's text."""
        return hashlib.sha256(str(self.tokenizer.chat_template).encode()).hexdigest()

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the token ids of the prompt up to the start of the reply, with one BOS where the model has one."""
        return self.tokens(render(self.tokenizer, self._fitted(messages)))

    def earlier_replies(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        """Return where the assistant's messages stand in `ids(messages)`: (first, one past the last) token of each.

        Raises CallFailedError for a template in which they cannot be found.
        """
        fitted = self._fitted(messages)
        ids = self.tokens(render(self.tokenizer, fitted))
        replies = [index for index, message in enumerate(fitted) if message["role"] == "assistant"]
        return [self._span(fitted, index, ids) for index in replies]

    def with_reply(self, messages: Sequence[Message], reply: str) -> tuple[int, list[int]]:
        """Return how many tokens `ids(messages)` has, and those ids followed by the reply without the end of its turn.

        Raises CallFailedError for a template in which a reply does not simply follow its prompt.
        """
        prompt = render(self.tokenizer, self._fitted(messages))
        prompt_ids, ids = self.tokens(prompt), self.tokens(prompt + self.without_control_tokens(reply.strip()))
        if ids[: len(prompt_ids)] != prompt_ids or len(ids) == len(prompt_ids):
            raise CallFailedError("messages", "a reply shares a token with the prompt in this tokenizer")
        return len(prompt_ids), ids

    def _span(self, fitted: Sequence[Message], index: int, ids: list[int]) -> tuple[int, int]:
        if not index or not _renders(self.tokenizer, fitted[:index]):
            raise CallFailedError("messages", "earlier replies cannot be found: nothing comes before the first one")
        preceding = render(self.tokenizer, fitted[:index])
        preceding_ids = self.tokens(preceding)
        # The last token may merge with the text after it, so the end is where the two token lists differ.
        end = common_length(self.tokens(preceding + fitted[index]["content"].strip()), ids)
        if common_length(preceding_ids, ids) < len(preceding_ids) or end <= len(preceding_ids):
            raise CallFailedError(
                "messages", "earlier replies cannot be found: this template rewrites the conversation"
            )
        return len(preceding_ids), end

    def _fitted(self, messages: Sequence[Message]) -> list[Message]:
        try:
            fitted = fit_to_template(messages, self.user_first, system_role=self.system_role)
        except ValueError as error:
            raise CallFailedError("messages", str(error)) from None
        return [{**message, "content": self.without_control_tokens(message["content"])} for message in fitted]

    def tokens(self, text: str) -> list[int]:
        """Return a rendered text as token ids, with the beginning mark where the tokenizer would set it."""
        with self._lock:
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            return [*self._missing_bos(ids), *ids]

    def _missing_bos(self, ids: list[int]) -> list[int]:
        bos = self.tokenizer.bos_token_id
        if bos is None or ids[:1] == [bos]:
            return []
        return [bos] if self.tokenizer("a")["input_ids"][:1] == [bos] else []

    def without_control_tokens(self, text: str) -> str:
        """Return the text with control tokens such as <|im_end|> broken up, so that no speaker ends a turn with one."""
        for token in self.tokenizer.all_special_tokens:
            text = text.replace(token, f"{token[:1]} {token[1:]}")
        return text


def render(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Return the text of the prompt. Templates of models that think aloud first are asked not to."""
    return tokenizer.apply_chat_template(
        list(messages), tokenize=False, add_generation_prompt=True, enable_thinking=False
    )


def reply_end(tokenizer: Any) -> int | None:
    """Return the id of the control token that the template puts after an assistant's words, or None without one.

    Some models name another end of text in their settings, and go on behind the end of their turn.
    """
    from jinja2 import TemplateError

    talk = [{"role": "user", "content": "USER-TURN"}, {"role": "assistant", "content": "REPLY-TURN"}]
    try:
        text: str = tokenizer.apply_chat_template(talk, tokenize=False, enable_thinking=False)
    except (TemplateError, ValueError, TypeError):
        return None
    _, _, after = text.rpartition("REPLY-TURN")
    ids: list[int] = tokenizer(after.lstrip(), add_special_tokens=False)["input_ids"]
    return ids[0] if ids and ids[0] in tokenizer.added_tokens_decoder else None


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the number of tokens that two token lists share at their beginning."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


def _renders(tokenizer: Any, messages: Sequence[Message]) -> bool:
    """Return whether the template accepts these messages and leaves none out."""
    from jinja2 import TemplateError

    try:
        text = render(tokenizer, messages)
    except (TemplateError, ValueError, TypeError):
        return False
    return all(message["content"] in text for message in messages)
