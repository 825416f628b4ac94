"""Turn dialogues into `input_ids` and `labels`: replies are trained, and nothing else.

The ids of a turn are those that follow the prompt which inference would answer at this point, up to the token that
ends the turn. Both are made by the template that the local model uses (`cocoon.models.local.template`), so that
training matches inference: system text, merged turns of one speaker, the user stub, one BOS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Thought
from cocoon.core.strategy_tags import with_thought
from cocoon.models.local.template import Template, render
from cocoon.models.messages import Message, fit_to_template

Thoughts = Literal["inline", "none"]
IGNORED = -100
"""The label of a token that is not trained."""

Reason = Literal["no_supporter_turn", "too_long", "no_turn_boundary"]
_PROBE_TALK: tuple[Message, ...] = (
    {"role": "system", "content": "Be kind."},
    {"role": "assistant", "content": "You look tired."},
    {"role": "user", "content": "A bit."},
    {"role": "assistant", "content": "It was a long week."},
    {"role": "user", "content": "It was."},
    {"role": "assistant", "content": "Now it is over."},
)


@dataclass(frozen=True)
class Encoded:
    """A row for the trainer. `turns` counts the replies trained in it, `cut` those that did not fit."""

    input_ids: list[int]
    labels: list[int]
    turns: int
    cut: int = 0

    @property
    def trained(self) -> int:
        """Number of tokens with a label."""
        return sum(label != IGNORED for label in self.labels)


class Encoder:
    """Encodes dialogues for one tokenizer and template.

    `max_length` is in tokens, and `ends` are the token ids that end a turn.
    """

    def __init__(
        self,
        template: Template,
        ends: Sequence[int],
        *,
        thoughts: Thoughts = "inline",
        max_length: int = 2048,
        name: str = "this model",
    ) -> None:
        """Raise CocoonError, with the reason, for a template that cannot be trained on."""
        self.template, self.ends = template, frozenset(ends)
        self.thoughts: Thoughts = thoughts
        self.max_length = max_length
        self._check(name)

    def encode(self, dialogue: Dialogue, system: str) -> Encoded | Reason:
        """Return the ids and labels of a dialogue, cut after the last supporter turn that fits, or why nothing is left.

        User turns after the last supporter turn are left out, because nothing is trained on them.
        """
        messages = self.fitted(messages_of(dialogue, system, self.thoughts))
        if not any(message["role"] == "assistant" and message["content"] for message in messages):
            return "no_supporter_turn"
        return self._encode(messages)

    def encode_reply(self, messages: Sequence[Message]) -> Encoded | Reason:
        """Return the ids and labels of a prompt with its reply as the last message, of which the reply is trained.

        The reply follows its prompt as at inference. A row that does not fit is left out, since a prompt has no part
        that could go.
        """
        fitted = self.fitted(messages)
        full_text = self._rendered(fitted)
        texts = self._texts_of(fitted, len(fitted) - 1, full_text)
        all_ids = self.template.tokens(full_text)
        span = self._span(*texts, all_ids) if texts else None
        if span is None:
            return "no_turn_boundary"
        first, end = span
        if end > self.max_length:
            return "too_long"
        return Encoded(all_ids[:end], [IGNORED] * first + all_ids[first:end], 1)

    def fitted(self, messages: Sequence[Message]) -> list[Message]:
        """Return the dialogue as this template renders it, up to its last reply."""
        last = max((index for index, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
        # At inference the last turn is the user's, so a user turn is added here and removed again.
        talk = [*messages[: last + 1], {"role": "user", "content": "."}]
        fitted = fit_to_template(talk, self.template.user_first, system_role=self.template.system_role)[:-1]
        return [
            {**message, "content": self.template.without_control_tokens(message["content"]).strip()}
            for message in fitted
        ]

    def _encode(self, messages: Sequence[Message]) -> Encoded | Reason:
        ids: list[int] = []
        labels: list[int] = []
        spans = self._spans(messages)
        if spans is None:
            return "no_turn_boundary"
        all_ids, turn_spans = spans
        for number, (first, end) in enumerate(turn_spans):
            if end > self.max_length:
                return Encoded(ids, labels, number, len(turn_spans) - number) if ids else "too_long"
            labels += [IGNORED] * (first - len(labels)) + all_ids[first:end]
            ids = all_ids[:end]
        return Encoded(ids, labels, len(turn_spans))

    def _spans(self, messages: Sequence[Message]) -> tuple[list[int], list[tuple[int, int]]] | None:
        """Return all ids and the span (first, one past its end token) of each supporter turn.

        Return None if the bounds of a turn cannot be found.
        """
        texts = self._texts(messages)
        if texts is None:
            return None
        turns, full_text = texts
        all_ids = self.template.tokens(full_text)
        spans = [self._span(prompt, through, all_ids) for prompt, through in turns]
        found = [span for span in spans if span is not None]
        return (all_ids, found) if len(found) == len(spans) else None

    def _span(self, prompt: str, through: str, all_ids: list[int]) -> tuple[int, int] | None:
        """Return the span of the turn between two texts, its end token included, or None if it has no bounds."""
        before, after = self.template.tokens(prompt), self.template.tokens(through)
        first, end = len(before), len(after)
        if all_ids[:first] != before or all_ids[:end] != after or not first < end < len(all_ids):
            return None
        return (first, end + 1) if all_ids[end] in self.ends else None

    def _texts(self, messages: Sequence[Message]) -> tuple[list[tuple[str, str]], str] | None:
        """Return the texts of each supporter turn (`_texts_of`) and the full text, or None if one is rewritten."""
        full_text = self._rendered(messages)
        replies = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
        turns = [self._texts_of(messages, index, full_text) for index in replies]
        found = [turn for turn in turns if turn is not None]
        return (found, full_text) if len(found) == len(turns) else None

    def _texts_of(self, messages: Sequence[Message], index: int, full_text: str) -> tuple[str, str] | None:
        """Return a reply's prompt and the prompt with the reply, or None where the template rewrites them."""
        prompt, words = render(self.template.tokenizer, messages[:index]), messages[index]["content"]
        rest = full_text[len(prompt) :]
        room = len(rest) - len(rest.lstrip())
        if not full_text.startswith(prompt) or not rest.lstrip().startswith(words):
            return None
        return prompt, full_text[: len(prompt) + room + len(words)]

    def _rendered(self, messages: Sequence[Message]) -> str:
        return self.template.tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=False, enable_thinking=False
        )

    def _check(self, name: str) -> None:
        """Raise CocoonError unless each of three replies of a test dialogue directly follows its own prompt."""
        from jinja2 import TemplateError

        thought = Thought(analysis="They hide it.", strategy="name it") if self.thoughts == "inline" else None
        probe = [
            {**message, "content": with_thought(message["content"], thought)}
            if message["role"] == "assistant"
            else message
            for message in _PROBE_TALK
        ]
        messages = self.fitted(probe)
        try:
            texts = self._texts(messages)
        except (TemplateError, ValueError, TypeError) as error:
            raise CocoonError(
                f"model {name!r} cannot be trained on whole dialogues: its chat template refuses a talk of several "
                f"replies ({str(error).splitlines()[0]}); take another instruct model"
            ) from None
        if texts is None:
            raise CocoonError(
                f"model {name!r} cannot be trained on whole dialogues: its chat template rewrites earlier replies when "
                "the talk goes on, so the text trained on would differ from the text at inference; take a model whose "
                f"template only appends{', or data.thoughts=none' if self.thoughts == 'inline' else ''}"
            )
        if self._spans(messages) is None:
            raise CocoonError(
                f"model {name!r} cannot be trained: its chat template ends a reply with none of the tokens that end a "
                f"turn for it ({self._named_ends()}), so that it would never learn to stop; set eos_token in its "
                "tokenizer_config.json to the token that its template writes after a reply"
            )

    def _named_ends(self) -> str:
        return ", ".join(repr(self.template.tokenizer.decode([end])) for end in sorted(self.ends))


def messages_of(dialogue: Dialogue, system: str, thoughts: Thoughts) -> list[Message]:
    """Return a dialogue as chat messages that start with a system text, leaving out empty turns."""
    messages: list[Message] = [{"role": "system", "content": system}]
    for turn in dialogue.turns:
        if not turn.content.strip():
            continue
        content = turn.content.strip()
        if turn.role == "supporter":
            thought = turn.thought if thoughts == "inline" else None
            messages.append({"role": "assistant", "content": with_thought(content, thought)})
        else:
            messages.append({"role": "user", "content": content})
    return messages


def decode_trained(tokenizer: Any, encoded: Encoded) -> list[str]:
    """Return the text of each trained stretch, control tokens included."""
    stretches: list[list[int]] = []
    last = IGNORED
    for label in encoded.labels:
        if label != IGNORED:
            if last == IGNORED:
                stretches.append([])
            stretches[-1].append(label)
        last = label
    return [tokenizer.decode(stretch, skip_special_tokens=False) for stretch in stretches]
