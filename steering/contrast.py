"""From pairs to the two sequences of tokens that are compared, and the tokens of them that are read.

Kind `reply`: the same reply as a question and as a statement. Kind `instruction`: the same situation under an
instruction to ask and under one not to, read at the end of the prompt, before any reply.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

import yaml

from cocoon.core.errors import CocoonError
from cocoon.core.local_template import Template
from cocoon.core.messages import Message
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Language
from cocoon.steering.pairs import Pair
from cocoon.steering.shared_pass import TokenRow

PairKind = Literal["reply", "instruction"]
Position = Literal["last", "mean", "first", "prompt"]
POSITIONS: dict[PairKind, tuple[Position, ...]] = {"reply": ("mean", "first", "last"), "instruction": ("prompt",)}
FIRST_TOKENS = 3
_CLOSING = ".?!。？！…~～\"'”’」』)） \n"


@dataclass(frozen=True)
class Contrast:
    """Sequences by side: `positive` asks, `negative` states; row i of both is one pair of situation `groups[i]`."""

    kind: PairKind
    position: Position
    positive: list[TokenRow]
    negative: list[TokenRow]
    groups: list[str]

    @property
    def rows(self) -> list[TokenRow]:
        """Positive and negative in turns."""
        return [one for pair in zip(self.positive, self.negative, strict=True) for one in pair]

    @property
    def data_hash(self) -> str:
        """SHA-256 of all token ids and the spans that are read."""
        told = [[list(one.ids), list(one.read)] for one in self.rows]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def contrast(template: Template, pairs: Sequence[Pair], kind: PairKind, position: Position | None = None) -> Contrast:
    """The sequences of `pairs`; kind `instruction` uses their situations alone, each once per instruction.

    Raises CocoonError for a position that the kind does not have, and for a template that rewrites the talk.
    """
    chosen = position or POSITIONS[kind][0]
    if chosen not in POSITIONS[kind]:
        raise CocoonError(f"position {chosen!r}: pairs of kind {kind!r} are read at {', '.join(POSITIONS[kind])}")
    both = _instructed(template, pairs) if kind == "instruction" else _replied(template, pairs, chosen)
    positive, negative = ([pair[side] for pair in both] for side in (0, 1))
    return Contrast(kind, chosen, positive, negative, [one.group for one in positive])


def _replied(template: Template, pairs: Sequence[Pair], position: Position) -> list[tuple[TokenRow, TokenRow]]:
    return [
        (_reply(template, pair, pair.question, position), _reply(template, pair, pair.statement, position))
        for pair in pairs
    ]


def _reply(template: Template, pair: Pair, reply: str, position: Position) -> TokenRow:
    prompt, ids = template.with_reply(talk(pair.said, pair.language), reply)
    bare = template.with_reply(talk(pair.said, pair.language), reply.rstrip(_CLOSING))[1]
    # Punctuation may have grown together with the last word: what both tokenisations share is read.
    end = next((place for place, (a, b) in enumerate(zip(bare, ids, strict=False)) if a != b), min(len(bare), len(ids)))
    end = max(end, prompt + 1)
    spans = {
        "last": (len(ids) - 1, len(ids)),
        "mean": (prompt, end),
        "first": (prompt, min(prompt + FIRST_TOKENS, end)),
    }
    return TokenRow(tuple(ids), spans[position], pair.situation)


def _instructed(template: Template, pairs: Sequence[Pair]) -> list[tuple[TokenRow, TokenRow]]:
    said = {pair.situation: pair for pair in pairs}
    found: list[tuple[TokenRow, TokenRow]] = []
    for pair in said.values():
        for given in instructions(pair.language):
            found.append((_instruction(template, pair, given["ask"]), _instruction(template, pair, given["tell"])))
    return found


def _instruction(template: Template, pair: Pair, text: str) -> TokenRow:
    ids = template.ids(talk(pair.said, pair.language, text))
    return TokenRow(tuple(ids), (len(ids) - 1, len(ids)), pair.situation)


def talk(said: str, language: Language, instruction: str = "") -> list[Message]:
    """The prompt of a situation: what the supporter is told, with the instruction at its end, and what was said."""
    told = load_prompt("steering/reply", language).render()
    return [
        {"role": "system", "content": f"{told}\n\n{instruction}" if instruction else told},
        {"role": "user", "content": said},
    ]


def instructions(language: Language) -> list[dict[str, str]]:
    """Opposite instructions, each with `ask` and `tell`."""
    found: Any = yaml.safe_load((files("cocoon.prompts") / "steering" / "instructions.yaml").read_text("utf-8"))
    return found[language]
