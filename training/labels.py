"""From dialogues to `input_ids` and `labels`: every supporter turn is trained, and nothing else.

A turn's ids are those that follow the ids of the prompt to which inference would answer at this place, up to the token
that ends the turn. Both are made by the template that the local model speaks with (`cocoon.core.local_template`), so
that what is trained is what is asked for later: system text, joined neighbours, a user's stub, one BOS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cocoon.core.errors import CocoonError
from cocoon.core.local_template import Template, render
from cocoon.core.messages import Message, fit_to_template
from cocoon.core.records import Dialogue, Thought
from cocoon.core.thoughts import with_thought

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
    """A dialogue for the trainer. `turns` are supporter turns in it, `cut` those that did not fit any more."""

    input_ids: list[int]
    labels: list[int]
    turns: int
    cut: int = 0

    @property
    def trained(self) -> int:
        """Tokens with a label."""
        return sum(label != IGNORED for label in self.labels)


class Encoder:
    """Encodes dialogues for one tokenizer and template. `max_length` is in tokens; `ends` are ids that end a turn."""

    def __init__(
        self,
        template: Template,
        ends: Sequence[int],
        *,
        thoughts: Thoughts = "inline",
        max_length: int = 2048,
        name: str = "this model",
    ) -> None:
        """Raises CocoonError for a template that cannot be trained on, with the reason."""
        self.template, self.ends = template, frozenset(ends)
        self.thoughts: Thoughts = thoughts
        self.max_length = max_length
        self._check(name)

    def encode(self, dialogue: Dialogue, system: str) -> Encoded | Reason:
        """A dialogue's ids and labels, cut after the last supporter turn that fits; a reason where nothing remains.

        Turns of the user after the last supporter turn are left out: nothing is trained on them.
        """
        messages = self.fitted(messages_of(dialogue, system, self.thoughts))
        if not any(message["role"] == "assistant" and message["content"] for message in messages):
            return "no_supporter_turn"
        return self._encode(messages)

    def fitted(self, messages: Sequence[Message]) -> list[Message]:
        """The talk as this template renders it, to its last supporter turn."""
        last = max((place for place, one in enumerate(messages) if one["role"] == "assistant"), default=-1)
        # What inference is given ends with a user's turn; here one stands in for it and is taken away again.
        talk = [*messages[: last + 1], {"role": "user", "content": "."}]
        fitted = fit_to_template(talk, self.template.user_first, system_role=self.template.system_role)[:-1]
        return [{**one, "content": self.template._without_control(one["content"]).strip()} for one in fitted]

    def _encode(self, messages: Sequence[Message]) -> Encoded | Reason:
        ids: list[int] = []
        labels: list[int] = []
        spans = self._spans(messages)
        if spans is None:
            return "no_turn_boundary"
        whole, places = spans
        for number, (first, end) in enumerate(places):
            if end > self.max_length:
                return Encoded(ids, labels, number, len(places) - number) if ids else "too_long"
            labels += [IGNORED] * (first - len(labels)) + whole[first:end]
            ids = whole[:end]
        return Encoded(ids, labels, len(places))

    def _spans(self, messages: Sequence[Message]) -> tuple[list[int], list[tuple[int, int]]] | None:
        """All ids, and (first, one past the end-of-turn token) of each supporter turn; none where one has no bounds."""
        texts = self._texts(messages)
        if texts is None:
            return None
        prompts, through, whole_text = texts
        tokens = self.template._tokens
        whole = tokens(whole_text)
        places: list[tuple[int, int]] = []
        for prompt, spoken in zip(prompts, through, strict=True):
            before, after = tokens(prompt), tokens(spoken)
            first, end = len(before), len(after)
            if whole[:first] != before or whole[:end] != after or end <= first:
                return None
            if end >= len(whole) or whole[end] not in self.ends:
                return None
            places.append((first, end + 1))
        return whole, places

    def _texts(self, messages: Sequence[Message]) -> tuple[list[str], list[str], str] | None:
        """Before each supporter turn the prompt, and the prompt with its words; then the whole. None if rewritten."""
        whole = self._whole(messages)
        prompts: list[str] = []
        through: list[str] = []
        for place, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            prompt = render(self.template.tokenizer, messages[:place])
            rest = whole[len(prompt) :]
            room = len(rest) - len(rest.lstrip())
            if not whole.startswith(prompt) or not rest.lstrip().startswith(message["content"]):
                return None
            prompts.append(prompt)
            through.append(whole[: len(prompt) + room + len(message["content"])])
        return prompts, through, whole

    def _whole(self, messages: Sequence[Message]) -> str:
        return self.template.tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=False, enable_thinking=False
        )

    def _check(self, name: str) -> None:
        """Raise CocoonError unless a talk of three replies is rendered so that each stands behind its own prompt."""
        from jinja2 import TemplateError

        thought = Thought(analysis="They hide it.", strategy="name it") if self.thoughts == "inline" else None
        spoken = [
            {**one, "content": with_thought(one["content"], thought)} if one["role"] == "assistant" else one
            for one in _PROBE_TALK
        ]
        messages = self.fitted(spoken)
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
    """A dialogue as chat messages with a system text first; empty turns are left out."""
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
    """The text of each trained stretch, control tokens included."""
    stretches: list[list[int]] = []
    last = IGNORED
    for label in encoded.labels:
        if label != IGNORED:
            if last == IGNORED:
                stretches.append([])
            stretches[-1].append(label)
        last = label
    return [tokenizer.decode(stretch, skip_special_tokens=False) for stretch in stretches]
