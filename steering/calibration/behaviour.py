"""Write the replies of a steered model to situations at several coefficients, and measure each reply.

Every coefficient gets the same situations with the same random numbers, and all of them are written in one batch.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np

from cocoon.core.progress import working
from cocoon.core.records import Language, Record
from cocoon.evaluation.questions.detection import classify, questions
from cocoon.evaluation.questions.records import GENUINE
from cocoon.models.local.control import LocalControl
from cocoon.models.local.decoding.writer import generate_replies
from cocoon.models.local.sampling import ReplyRow, text_of
from cocoon.models.local.weights import Weights
from cocoon.steering.calibration.score import degenerate, surprise
from cocoon.steering.directions.shared_pass import TokenRow
from cocoon.steering.pairs.situations import Situation

# Enough for three short sentences, which is what the prompt asks the supporter to write.
MOST_TOKENS = 64
_ENDS = tuple("?？.。!！…\"'”’)）")
_CLOSING = "?？.。!！…\"'”’)） "
Report = Callable[[int, int], None]
ReplyKey = tuple[str, int, float]
"""Which reply it is: its situation, its sample, and its coefficient."""


@dataclass(frozen=True)
class Speaking:
    """Settings for sampling replies: `max_tokens` of each reply, and `batch_size` rows that are written together.

    `system` writes the system prompt of every arm that has none of its own, and None means `steering/reply`.
    """

    max_tokens: int = MOST_TOKENS
    temperature: float = 0.7
    top_p: float = 0.95
    batch_size: int = 64
    seed: int = 0
    system: Callable[[Situation], str] | None = None


class SampledReply(Record):
    """One reply of the model. A sentence cut off by the token limit counts only in `text` and `tokens`.

    `sentences` is the number of sentences. `asking` counts those that are genuine questions by their form, `marks`
    those that end in a question mark, and `pasted` those of `marks` that are not in `asking`. `nats` is the surprise
    per token under the unsteered model, and None for an empty reply. `broken` says why the reply is degenerate, and is
    None if it is not. `replies` is the number of supporter turns before this reply. `unit` is whose situation it is.
    `read` says whether a judge was asked about it, and `coherent` what the judge said (None if its answer is missing).
    """

    situation: str
    coefficient: float
    sample: int
    replies: int
    text: str
    tokens: int
    sentences: int
    asking: int
    marks: int
    pasted: int
    openings: list[str]
    nats: float | None
    broken: str | None
    label: str = ""
    unit: str = ""
    read: bool = False
    coherent: bool | None = None

    @property
    def key(self) -> ReplyKey:
        """Which reply of a calibration it is."""
        return self.situation, self.sample, self.coefficient

    @property
    def owner(self) -> str:
        """Whose situation it is. Replies of an earlier release say only the situation."""
        return self.unit or self.situation

    @property
    def asks(self) -> bool:
        """Whether the reply has a genuine question."""
        return self.asking > 0

    @property
    def only_marked(self) -> bool:
        """Whether the reply has question marks but no genuine question."""
        return self.marks > 0 and not self.asks


@dataclass(frozen=True)
class Arm:
    """One condition under which replies are written: a control with its coefficient, and a system prompt.

    Without a `control` the model is not steered. `told` writes the system prompt, and None means that of `Speaking`.
    """

    label: str
    coefficient: float = 0.0
    control: LocalControl | None = None
    told: Callable[[Situation], str] | None = None


def sample_replies(
    weights: Weights,
    situations: Sequence[Situation],
    arms: Sequence[Arm],
    samples: int = 1,
    speaking: Speaking | None = None,
    report: Report | None = None,
    *,
    known: AbstractSet[ReplyKey] = frozenset(),
    keep: Callable[[Sequence[SampledReply]], None] | None = None,
) -> list[SampledReply]:
    """Write `samples` replies of every arm to every situation but those `known`, and call `report` with (done, total).

    `keep` is called after every batch with all that was written so far.
    """
    settings = speaking or Speaking()
    # Arms of one situation share its prompt, so they go side by side in a batch.
    requests = [
        (situation, sample, arm)
        for situation in situations
        for sample in range(samples)
        for arm in arms
        if (situation.id, sample, arm.coefficient) not in known
    ]
    replies: list[SampledReply] = []
    with working("writing replies", len(requests)) as work:
        for start in range(0, len(requests), settings.batch_size):
            batch = requests[start : start + settings.batch_size]
            replies += _written(weights, batch, settings)
            work.advance(len(batch))
            if keep:
                keep(replies)
            if report:
                report(len(replies), len(requests))
    return replies


def _written(weights: Weights, batch: Sequence[tuple[Situation, int, Arm]], speaking: Speaking) -> list[SampledReply]:
    rows = [_row(weights, *request, speaking) for request in batch]
    generate_replies(weights, rows)
    texts = [text_of(weights, row).strip() for row in rows]
    spoken = [number for number, text in enumerate(texts) if text]
    scored = [_scored(rows[number], batch[number][0]) for number in spoken]
    nats = dict(zip(spoken, surprise(weights, scored).tolist(), strict=True)) if spoken else {}
    return [
        read_reply(situation, sample, arm, texts[number], weights.eos, rows[number].tokens, nats.get(number))
        for number, (situation, sample, arm) in enumerate(batch)
    ]


def _row(weights: Weights, situation: Situation, sample: int, arm: Arm, speaking: Speaking) -> ReplyRow:
    import torch

    write_system = arm.told or speaking.system
    system = write_system(situation) if write_system else None
    digest = hashlib.sha256(f"{speaking.seed}/{situation.id}/{sample}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    messages = situation.messages(system)
    wants_earlier = arm.coefficient and arm.control is not None and arm.control.needs_earlier
    return ReplyRow(
        weights.template.ids(messages),
        speaking.max_tokens,
        speaking.temperature,
        speaking.top_p,
        generator if speaking.temperature > 0 else None,
        control=arm.control if arm.coefficient else None,
        coefficient=arm.coefficient,
        earlier=weights.template.earlier_replies(messages) if wants_earlier else (),
    )


def _scored(row: ReplyRow, situation: Situation) -> TokenRow:
    # The end token is scored with the reply, because stopping at an unusual point is unlikely too.
    ids = (*row.prompt, *row.tokens)
    return TokenRow(ids, (len(row.prompt) - 1, len(ids)), situation.id)


def read_reply(
    situation: Situation,
    sample: int,
    arm: Arm,
    text: str,
    eos: Collection[int],
    tokens: Sequence[int],
    nats: float | None,
) -> SampledReply:
    language = situation.language
    ended = bool(tokens) and tokens[-1] in eos
    tokens = tokens[:-1] if ended else tokens
    sentences = whole_sentences(text, language, ended=ended)
    asking = [sentence for sentence in sentences if asks_by_form(sentence, language)]
    marked = [sentence for sentence in sentences if _marked(sentence)]
    return SampledReply(
        situation=situation.id,
        coefficient=arm.coefficient,
        sample=sample,
        replies=situation.replies,
        text=text,
        tokens=len(tokens),
        sentences=len(sentences),
        asking=len(asking),
        marks=len(marked),
        pasted=sum(sentence not in asking for sentence in marked),
        openings=[_opening(sentence) for sentence in asking],
        nats=nats,
        broken=degenerate(text, tokens, nats),
        label=arm.label,
        unit=situation.unit,
    )


def sentences_of(text: str, language: Language) -> list[str]:
    """Return the sentences of a reply."""
    return [sentence.text for sentence in questions(text, language)]


def asks_by_form(sentence: str, language: Language) -> bool:
    """Return whether a sentence is a genuine question even without its question mark.

    Steering can put a question mark on a statement. In ordinary talk such a sentence may well ask ("You slept?"), but
    here it does not count.
    """
    bare = sentence.rstrip(_CLOSING)
    return bool(bare) and classify(sentence, language) in GENUINE and classify(bare, language) in GENUINE


def whole_sentences(text: str, language: Language, *, ended: bool) -> list[str]:
    """Return the sentences of a reply, without the last one if the token limit cut it off (`ended` is false).

    Such a sentence has not asked anything yet ("How can you").
    """
    sentences = sentences_of(text, language)
    return sentences if ended or not sentences or sentences[-1].rstrip().endswith(_ENDS) else sentences[:-1]


def reply_asks(text: str, language: Language, *, ended: bool = True) -> bool:
    """Return whether a reply has a genuine question by its form, not counting a last sentence that was cut off."""
    return any(asks_by_form(sentence, language) for sentence in whole_sentences(text, language, ended=ended))


def reply_only_marked(text: str, language: Language, *, ended: bool = True) -> bool:
    """Return whether a reply has question marks but no genuine question, not counting a last sentence cut off."""
    sentences = whole_sentences(text, language, ended=ended)
    return any(map(_marked, sentences)) and not any(asks_by_form(sentence, language) for sentence in sentences)


def _marked(sentence: str) -> bool:
    return sentence.rstrip("\"'”’)） ").endswith(("?", "？"))


class Behaviour(Record):
    """Statistics of a set of replies. Shares lie in 0 to 1, and are None if there is nothing to count.

    `genuine` is the share of replies with a genuine question, and `marked` the share of replies with a question mark.
    `pasted` is the share of sentences ending in a question mark that are not genuine questions. `openings` is the
    number of distinct first three words (or characters, in Chinese) of genuine questions, divided by the number of
    those questions. `nats` and `tokens` are means. `coherent` is the share of the `judged` replies that a judge found
    coherent, and `unjudged` counts those that it was asked about in vain.
    """

    replies: int
    genuine: float | None
    marked: float | None
    pasted: float | None
    broken: float | None
    nats: float | None
    tokens: float | None
    openings: float | None
    coherent: float | None = None
    judged: int = 0
    unjudged: int = 0


def behaviour(replies: Sequence[SampledReply]) -> Behaviour:
    """Return the statistics of `replies`."""
    marks = sum(reply.marks for reply in replies)
    opened = [opening for reply in replies for opening in reply.openings]
    nats = [reply.nats for reply in replies if reply.nats is not None]
    verdicts = [reply.coherent for reply in replies if reply.coherent is not None]
    return Behaviour(
        replies=len(replies),
        genuine=_mean([reply.asks for reply in replies]),
        marked=_mean([reply.marks > 0 for reply in replies]),
        pasted=sum(reply.pasted for reply in replies) / marks if marks else None,
        broken=_mean([reply.broken is not None for reply in replies]),
        nats=_mean(nats),
        tokens=_mean([reply.tokens for reply in replies]),
        openings=len(set(opened)) / len(opened) if opened else None,
        coherent=_mean(verdicts),
        judged=len(verdicts),
        unjudged=sum(reply.read for reply in replies) - len(verdicts),
    )


def _opening(sentence: str) -> str:
    words = sentence.lower().split()
    return " ".join(words[:3]) if len(words) > 2 else sentence[:3]


def _mean(values: Sequence[Any]) -> float | None:
    return float(np.mean(values)) if values else None
