"""From messages to the token ids of a prompt: template, one BOS, and no control tokens from what was said."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.core.messages import Message, fit_to_template

_ROLES = {"human": "user", "ai": "assistant", "system": "system"}


def as_dicts(messages: Sequence[BaseMessage]) -> list[Message]:
    """LangChain messages as role and text; raises CallFailedError for anything that is not plain talk."""
    plain: list[Message] = []
    for message in messages:
        if message.type not in _ROLES:
            raise CallFailedError("messages", f"a local model takes no {message.type!r} messages")
        plain.append({"role": _ROLES[message.type], "content": str(message.text)})
    return plain


@dataclass
class Template:
    """A tokenizer's chat template with what was learnt of it: must the user open, is there a system role."""

    tokenizer: Any
    user_first: bool
    system_role: bool
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def learn(cls, tokenizer: Any, name: str) -> "Template":
        """Try the template on short talks; raises CocoonError when it renders not even a user's turn."""
        user, system = {"role": "user", "content": "USER-TURN"}, {"role": "system", "content": "SYSTEM-TEXT"}
        opening = {"role": "assistant", "content": "OPENING-TURN"}
        if not _renders(tokenizer, [user]):
            raise CocoonError(f"model {name!r} has no chat template that works; choose an instruct or chat model")
        system_role = _renders(tokenizer, [system, user])
        head = [system] if system_role else []
        opens = _renders(tokenizer, [opening, user]) and _renders(tokenizer, [*head, opening, user])
        return cls(tokenizer, not opens, system_role)

    @property
    def sha256(self) -> str:
        """Hash of the template's text."""
        return hashlib.sha256(str(self.tokenizer.chat_template).encode()).hexdigest()

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the prompt up to where the reply begins, with one BOS where the model has one."""
        return self._tokens(render(self.tokenizer, self._fitted(messages)))

    def earlier_replies(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        """Where the assistant's messages stand in `ids(messages)`: (first, one past the last) token of each.

        Raises CallFailedError for a template that does not let them be found.
        """
        fitted = self._fitted(messages)
        whole = self._tokens(render(self.tokenizer, fitted))
        places = [place for place, message in enumerate(fitted) if message["role"] == "assistant"]
        return [self._span(fitted, place, whole) for place in places]

    def with_reply(self, messages: Sequence[Message], reply: str) -> tuple[int, list[int]]:
        """How many tokens `ids(messages)` has, and the ids of those with the reply after them, its turn not ended.

        Raises CallFailedError for a template in which a reply does not simply follow its prompt.
        """
        prompt = render(self.tokenizer, self._fitted(messages))
        first, whole = self._tokens(prompt), self._tokens(prompt + self._without_control(reply.strip()))
        if whole[: len(first)] != first or len(whole) == len(first):
            raise CallFailedError("messages", "a reply grows together with the prompt in this tokenizer")
        return len(first), whole

    def _span(self, fitted: Sequence[Message], place: int, whole: list[int]) -> tuple[int, int]:
        if not place or not _renders(self.tokenizer, fitted[:place]):
            raise CallFailedError("messages", "earlier replies cannot be found: nothing stands before the first one")
        before = render(self.tokenizer, fitted[:place])
        first = self._tokens(before)
        # The last token may grow together with what follows it, so the end is where the two part.
        end = _common(self._tokens(before + fitted[place]["content"].strip()), whole)
        if _common(first, whole) < len(first) or end <= len(first):
            raise CallFailedError("messages", "earlier replies cannot be found: this template rewrites the talk")
        return len(first), end

    def _fitted(self, messages: Sequence[Message]) -> list[Message]:
        try:
            fitted = fit_to_template(messages, self.user_first, system_role=self.system_role)
        except ValueError as error:
            raise CallFailedError("messages", str(error)) from None
        return [{**message, "content": self._without_control(message["content"])} for message in fitted]

    def _tokens(self, text: str) -> list[int]:
        with self._lock:
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            return [*self._missing_bos(ids), *ids]

    def _missing_bos(self, ids: list[int]) -> list[int]:
        bos = self.tokenizer.bos_token_id
        if bos is None or ids[:1] == [bos]:
            return []
        return [bos] if self.tokenizer("a")["input_ids"][:1] == [bos] else []

    def _without_control(self, text: str) -> str:
        """The text with control tokens such as <|im_end|> broken up, so that no speaker ends a turn with one."""
        for token in self.tokenizer.all_special_tokens:
            text = text.replace(token, f"{token[:1]} {token[1:]}")
        return text


def render(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The prompt's text; templates of models that think aloud first are told not to."""
    return tokenizer.apply_chat_template(
        list(messages), tokenize=False, add_generation_prompt=True, enable_thinking=False
    )


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _renders(tokenizer: Any, messages: Sequence[Message]) -> bool:
    """Whether the template takes these messages and leaves none out."""
    from jinja2 import TemplateError

    try:
        text = render(tokenizer, messages)
    except (TemplateError, ValueError, TypeError):
        return False
    return all(message["content"] in text for message in messages)
