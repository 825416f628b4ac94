"""Turn pairs into the two token sequences that are compared, and mark the tokens that are read.

Kind `reply` compares the same reply as a question and as a statement. Kind `instruction` compares the same situation
under an instruction to ask and under an instruction not to ask, read at the end of the prompt, before any reply.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

import yaml

from cocoon.core.errors import CocoonError
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Language
from cocoon.models.local.template import Template
from cocoon.models.messages import Message
from cocoon.steering.directions.shared_pass import TokenRow
from cocoon.steering.pairs.pairs import Pair

PairKind = Literal["reply", "instruction"]
Position = Literal["last", "mean", "first", "prompt"]
POSITIONS: dict[PairKind, tuple[Position, ...]] = {"reply": ("mean", "first", "last"), "instruction": ("prompt",)}
FIRST_TOKENS = 3
_CLOSING = ".?!。？！…~～\"'”’」』)） \n"


@dataclass(frozen=True)
class Contrast:
    """Token sequences by side: `positive` asks and `negative` states.

    Row i of both sides is one pair, and `groups[i]` is the situation of that pair.
    """

    kind: PairKind
    position: Position
    positive: list[TokenRow]
    negative: list[TokenRow]
    groups: list[str]

    @property
    def rows(self) -> list[TokenRow]:
        """All sequences, with positive and negative ones alternating."""
        return [row for pair in zip(self.positive, self.negative, strict=True) for row in pair]

    @property
    def data_hash(self) -> str:
        """SHA-256 of all token ids and of the spans that are read."""
        spans = [[list(row.ids), list(row.read)] for row in self.rows]
        return hashlib.sha256(json.dumps(spans).encode()).hexdigest()


def contrast(template: Template, pairs: Sequence[Pair], kind: PairKind, position: Position | None = None) -> Contrast:
    """Return the token sequences of `pairs`.

    Kind `instruction` uses only the situations of the pairs, each once per instruction.
    Raises CocoonError for a position that the kind does not have, and for a template that rewrites the dialogue.
    """
    chosen = position or POSITIONS[kind][0]
    if chosen not in POSITIONS[kind]:
        raise CocoonError(f"position {chosen!r}: pairs of kind {kind!r} are read at {', '.join(POSITIONS[kind])}")
    row_pairs = _instructed(template, pairs) if kind == "instruction" else _replied(template, pairs, chosen)
    positive, negative = ([pair[side] for pair in row_pairs] for side in (0, 1))
    return Contrast(kind, chosen, positive, negative, [row.group for row in positive])


def _replied(template: Template, pairs: Sequence[Pair], position: Position) -> list[tuple[TokenRow, TokenRow]]:
    return [
        (_reply(template, pair, pair.question, position), _reply(template, pair, pair.statement, position))
        for pair in pairs
    ]


def _reply(template: Template, pair: Pair, reply: str, position: Position) -> TokenRow:
    prompt, ids = template.with_reply(talk(pair.said, pair.language), reply)
    unpunctuated = template.with_reply(talk(pair.said, pair.language), reply.rstrip(_CLOSING))[1]
    # Final punctuation may share a token with the last word, so only what both tokenisations share is read.
    end = next(
        (index for index, (a, b) in enumerate(zip(unpunctuated, ids, strict=False)) if a != b),
        min(len(unpunctuated), len(ids)),
    )
    end = max(end, prompt + 1)
    spans = {
        "last": (len(ids) - 1, len(ids)),
        "mean": (prompt, end),
        "first": (prompt, min(prompt + FIRST_TOKENS, end)),
    }
    return TokenRow(tuple(ids), spans[position], pair.situation)


def _instructed(template: Template, pairs: Sequence[Pair]) -> list[tuple[TokenRow, TokenRow]]:
    by_situation = {pair.situation: pair for pair in pairs}
    row_pairs: list[tuple[TokenRow, TokenRow]] = []
    for pair in by_situation.values():
        for instruction in instructions(pair.language):
            row_pairs.append(
                (_instruction(template, pair, instruction["ask"]), _instruction(template, pair, instruction["tell"]))
            )
    return row_pairs


def _instruction(template: Template, pair: Pair, text: str) -> TokenRow:
    ids = template.ids(talk(pair.said, pair.language, text))
    return TokenRow(tuple(ids), (len(ids) - 1, len(ids)), pair.situation)


def talk(said: str, language: Language, instruction: str = "") -> list[Message]:
    """Return the prompt of a situation: the system prompt, with the instruction at its end, and what the user said."""
    system = load_prompt("steering/reply", language).render()
    return [
        {"role": "system", "content": f"{system}\n\n{instruction}" if instruction else system},
        {"role": "user", "content": said},
    ]


def instructions(language: Language) -> list[dict[str, str]]:
    """Return pairs of opposite instructions, each with the keys `ask` and `tell`."""
    by_language: Any = yaml.safe_load((files("cocoon.prompts") / "steering" / "instructions.yaml").read_text("utf-8"))
    return by_language[language]
