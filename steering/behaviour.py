"""What a steered model does: replies to situations at several coefficients, with what is measured of each reply.

Every coefficient meets the same situations with the same random numbers, and all of them are written in one batch.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cocoon.core.control import Control
from cocoon.core.local_sampling import Row, generate, text_of
from cocoon.core.local_weights import Weights
from cocoon.core.records import Language, Record
from cocoon.evaluation.question_records import GENUINE
from cocoon.evaluation.questions import classify, questions
from cocoon.steering.score import degenerate, surprise
from cocoon.steering.shared_pass import TokenRow
from cocoon.steering.situations import Situation

# Three short sentences, which is what the supporter is told to write, fit.
MOST_TOKENS = 64
_ENDS = tuple("?？.。!！…\"'”’)）")
_CLOSING = "?？.。!！…\"'”’)） "
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Speaking:
    """How replies are drawn. `max_tokens` of each; `batch_size` rows are written together."""

    max_tokens: int = MOST_TOKENS
    temperature: float = 0.7
    top_p: float = 0.95
    batch_size: int = 64
    seed: int = 0


class Reply(Record):
    """One reply; a sentence that the limit of tokens cut off counts nowhere but in `text` and `tokens`.

    `sentences`: how many; `asking`: those that are genuine questions by their form; `marks`: those that end in a
    question mark; `pasted`: those of `marks` that are not `asking`. `nats` per token under the unsteered model, none
    for an empty reply. `broken` says why it is degenerate, none where it is not. `replies` counts the supporter's turns
    before it.
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

    @property
    def asks(self) -> bool:
        """Whether it has a genuine question."""
        return self.asking > 0

    @property
    def only_marked(self) -> bool:
        """Whether it has question marks but no genuine question."""
        return self.marks > 0 and not self.asks


@dataclass(frozen=True)
class Arm:
    """One way to have replies written: a control and its coefficient, or none, under a system prompt (none: ours)."""

    label: str
    coefficient: float = 0.0
    control: Control | None = None
    told: Callable[[Situation], str] | None = None


def speak(
    weights: Weights,
    situations: Sequence[Situation],
    arms: Sequence[Arm],
    samples: int = 1,
    speaking: Speaking | None = None,
    report: Report | None = None,
) -> list[Reply]:
    """`samples` replies of every arm to every situation; `report` is told (done, all)."""
    given = speaking or Speaking()
    # Situations go side by side in a batch, since the arms of one share its prompt.
    wanted = [(situation, sample, arm) for situation in situations for sample in range(samples) for arm in arms]
    made: list[Reply] = []
    for first in range(0, len(wanted), given.batch_size):
        batch = wanted[first : first + given.batch_size]
        made += _written(weights, batch, given)
        if report:
            report(len(made), len(wanted))
    return made


def _written(weights: Weights, batch: Sequence[tuple[Situation, int, Arm]], speaking: Speaking) -> list[Reply]:
    rows = [_row(weights, *one, speaking) for one in batch]
    generate(weights, rows)
    texts = [text_of(weights, row).strip() for row in rows]
    spoken = [number for number, text in enumerate(texts) if text]
    scored = [_scored(rows[number], batch[number][0]) for number in spoken]
    nats = dict(zip(spoken, surprise(weights, scored).tolist(), strict=True)) if spoken else {}
    return [
        _reply(situation, sample, arm, texts[number], weights.eos, rows[number].tokens, nats.get(number))
        for number, (situation, sample, arm) in enumerate(batch)
    ]


def _row(weights: Weights, situation: Situation, sample: int, arm: Arm, speaking: Speaking) -> Row:
    import torch

    told = arm.told(situation) if arm.told else None
    seen = hashlib.sha256(f"{speaking.seed}/{situation.id}/{sample}".encode()).digest()
    drawn = torch.Generator().manual_seed(int.from_bytes(seen[:7], "big"))
    messages = situation.messages(told)
    wants_earlier = arm.coefficient and arm.control is not None and arm.control.needs_earlier
    return Row(
        weights.template.ids(messages),
        speaking.max_tokens,
        speaking.temperature,
        speaking.top_p,
        drawn if speaking.temperature > 0 else None,
        control=arm.control if arm.coefficient else None,
        coefficient=arm.coefficient,
        earlier=weights.template.earlier_replies(messages) if wants_earlier else (),
    )


def _scored(row: Row, situation: Situation) -> TokenRow:
    # The end of the turn is scored with the reply: one that stops where nobody would is unlikely.
    ids = (*row.prompt, *row.tokens)
    return TokenRow(ids, (len(row.prompt) - 1, len(ids)), situation.id)


def _reply(
    situation: Situation,
    sample: int,
    arm: Arm,
    text: str,
    eos: Collection[int],
    tokens: Sequence[int],
    nats: float | None,
) -> Reply:
    language = situation.language
    ended = bool(tokens) and tokens[-1] in eos
    tokens = tokens[:-1] if ended else tokens
    found = whole_sentences(text, language, ended=ended)
    asking = [sentence for sentence in found if asks_by_form(sentence, language)]
    marked = [sentence for sentence in found if _marked(sentence)]
    return Reply(
        situation=situation.id,
        coefficient=arm.coefficient,
        sample=sample,
        replies=situation.replies,
        text=text,
        tokens=len(tokens),
        sentences=len(found),
        asking=len(asking),
        marks=len(marked),
        pasted=sum(sentence not in asking for sentence in marked),
        openings=[_opening(sentence) for sentence in asking],
        nats=nats,
        broken=degenerate(text, tokens, nats),
        label=arm.label,
    )


def sentences_of(text: str, language: Language) -> list[str]:
    """The sentences of a reply."""
    return [sentence.text for sentence in questions(text, language)]


def asks_by_form(sentence: str, language: Language) -> bool:
    """Whether a sentence is a genuine question even without its mark.

    Steering can put a question mark on a statement; in ordinary talk such a sentence may well ask ("You slept?"), here
    it does not count.
    """
    bare = sentence.rstrip(_CLOSING)
    return bool(bare) and classify(sentence, language) in GENUINE and classify(f"{bare}.", language) in GENUINE


def whole_sentences(text: str, language: Language, *, ended: bool) -> list[str]:
    """The sentences of a reply; of one that has not `ended` without the one that its limit of tokens cut off.

    Such a sentence has not asked yet ("How can you").
    """
    found = sentences_of(text, language)
    return found if ended or not found or found[-1].rstrip().endswith(_ENDS) else found[:-1]


def reply_asks(text: str, language: Language, *, ended: bool = True) -> bool:
    """Whether a reply has a genuine question by form; of one that has not `ended` its last sentence does not count."""
    return any(asks_by_form(sentence, language) for sentence in whole_sentences(text, language, ended=ended))


def _marked(sentence: str) -> bool:
    return sentence.rstrip("\"'”’)） ").endswith(("?", "？"))


class Behaviour(Record):
    """Some replies counted. Shares lie in 0 to 1, and are none where there is nothing to count.

    `genuine`: replies with a genuine question / replies. `marked`: replies with a question mark / replies. `pasted`:
    of the sentences that end in a mark, the share that are no genuine question. `openings`: distinct first three words
    (or characters, in Chinese) of genuine questions / those questions. `nats`, `tokens`: means.
    """

    replies: int
    genuine: float | None
    marked: float | None
    pasted: float | None
    broken: float | None
    nats: float | None
    tokens: float | None
    openings: float | None


def behaviour(replies: Sequence[Reply]) -> Behaviour:
    """Counts of `replies`."""
    marks = sum(reply.marks for reply in replies)
    opened = [opening for reply in replies for opening in reply.openings]
    nats = [reply.nats for reply in replies if reply.nats is not None]
    return Behaviour(
        replies=len(replies),
        genuine=_mean([reply.asks for reply in replies]),
        marked=_mean([reply.marks > 0 for reply in replies]),
        pasted=sum(reply.pasted for reply in replies) / marks if marks else None,
        broken=_mean([reply.broken is not None for reply in replies]),
        nats=_mean(nats),
        tokens=_mean([reply.tokens for reply in replies]),
        openings=len(set(opened)) / len(opened) if opened else None,
    )


def _opening(sentence: str) -> str:
    words = sentence.lower().split()
    return " ".join(words[:3]) if len(words) > 2 else sentence[:3]


def _mean(values: Sequence[Any]) -> float | None:
    return float(np.mean(values)) if values else None
