"""Replies held to a JSON schema while they are written, and how much the model itself wanted the legal tokens.

The grammar engine is llguidance; docs/decisions/constrained-decoding.md tells why and what was measured.
"""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cocoon.core.local_libraries import require_libraries
from cocoon.core.local_schema import Schema, schema_of, smallest
from cocoon.core.pool import RefusedError

_CLOSE_MARGIN = 8


class Constraint(Protocol):
    """What holds one reply: asked before each token for the legal ones, told each token that was taken."""

    @property
    def finished(self) -> bool:
        """Whether nothing but the end may follow."""
        ...

    def legal(self) -> NDArray[np.bool_]:
        """Tokens that the schema admits next, shape (vocabulary,)."""
        ...

    def narrow(self, legal: NDArray[np.bool_], left: int) -> NDArray[np.bool_]:
        """Those of the legal tokens that may be taken when only `left` more fit: fewer where it is time to close."""
        ...

    def accept(self, token: int, mass: float) -> None:
        """Take a token; `mass` is the probability that the unmasked model gave to all the legal ones together."""
        ...

    @property
    def text(self) -> str:
        """The reply so far."""
        ...

    def facts(self) -> dict[str, Any]:
        """What the reply's metadata says of it."""
        ...


class Grammars:
    """Compiles schemas for one tokenizer; `vocabulary` is the width of the model's logits."""

    def __init__(self, tokenizer: Any, vocabulary: int, eos: Sequence[int]) -> None:
        require_libraries("llguidance")
        from llguidance.hf import from_tokenizer

        self.tokens = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=list(eos))
        self.vocabulary = vocabulary
        self.closing = Closing(self.tokens, vocabulary)
        # A run uses a handful of schemas, each thousands of times.
        self._compiled = lru_cache(maxsize=64)(self._compile)

    def hold(self, response_format: dict[str, Any] | None) -> "HeldReply | None":
        """A fresh constraint for one reply; none for plain text.

        Raises RefusedError (status 400, as a server would) for a schema that the engine cannot hold.
        """
        schema = schema_of(response_format)
        if schema is None:
            return None
        matcher, reserve = self._compiled(json.dumps(schema))
        return HeldReply(matcher.deep_copy(), self, reserve)

    def _compile(self, text: str) -> tuple[Any, int]:
        from llguidance import LLMatcher

        schema: Schema = json.loads(text)
        grammar = LLMatcher.grammar_from_json_schema(schema, overrides={"whitespace_flexible": False})
        matcher = LLMatcher(self.tokens, grammar)
        if matcher.is_error():
            raise RefusedError(400, f"this schema cannot be held: {matcher.get_error().splitlines()[0]}")
        shortest = json.dumps(smallest(schema), ensure_ascii=False, separators=(",", ":"))
        return matcher, len(self.tokens.tokenize_str(shortest)) + _CLOSE_MARGIN


class Closing:
    """Brings a reply that runs out of tokens to its end: closes strings, arrays and objects, never changes a number."""

    def __init__(self, tokens: Any, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.quote, self.comma = (self._single(tokens, sign) for sign in '",')
        self.ends = [end for end in (self._single(tokens, sign) for sign in "}]") if end is not None]
        self.digits = [digit for digit in (self._single(tokens, str(n)) for n in range(10)) if digit is not None]

    @staticmethod
    def _single(tokens: Any, sign: str) -> int | None:
        ids = tokens.tokenize_str(sign)
        return ids[0] if len(ids) == 1 else None

    def narrow(self, legal: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """The one legal token that closes what is open; none where nothing is to be closed here."""
        quote = self.quote is not None and bool(legal[self.quote])
        inside = quote and (self.comma is None or bool(legal[self.comma]))
        if inside:
            return self._only(self.quote)
        if any(legal[digit] for digit in self.digits):
            return None
        end = next((end for end in self.ends if legal[end]), None)
        return self._only(end)

    def _only(self, token: int | None) -> NDArray[np.bool_] | None:
        if token is None:
            return None
        alone = np.zeros(self.vocabulary, dtype=np.bool_)
        alone[token] = True
        return alone


class HeldReply:
    """One reply held by llguidance; a `Constraint`."""

    def __init__(self, matcher: Any, grammars: Grammars, reserve: int) -> None:
        self._matcher = matcher
        self._grammars = grammars
        self._reserve = reserve
        self._pieces: list[bytes] = []
        self._masses: list[float] = []
        self._narrowed = False
        self._words = np.zeros((1, (grammars.vocabulary + 31) // 32), dtype=np.int32)

    @property
    def finished(self) -> bool:
        return self._matcher.is_stopped()

    @property
    def text(self) -> str:
        return b"".join(self._pieces).decode("utf-8", "ignore")

    def legal(self) -> NDArray[np.bool_]:
        from llguidance.numpy import fill_next_token_bitmask

        fill_next_token_bitmask(self._matcher, self._words)
        bits = np.unpackbits(self._words.view(np.uint8), bitorder="little")
        return bits[: self._grammars.vocabulary].view(np.bool_)

    def narrow(self, legal: NDArray[np.bool_], left: int) -> NDArray[np.bool_]:
        closing = self._grammars.closing.narrow(legal) if left <= self._reserve else None
        self._narrowed |= closing is not None
        return legal if closing is None else closing

    def accept(self, token: int, mass: float) -> None:
        self._matcher.consume_token(token)
        self._pieces.append(self._grammars.tokens.decode_bytes([token]))
        self._masses.append(mass)

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"legal_mass": legal_mass(self._pieces, self._masses)}
        return {**facts, "closed_early": True} if self._narrowed else facts


def legal_mass(pieces: Sequence[bytes], masses: Sequence[float]) -> dict[str, float]:
    """For each scalar of a compact JSON text, the lowest mass among the tokens that share a byte with it.

    `pieces` are the tokens' bytes and `masses` the probabilities; keys are paths such as `items.1`. A value that
    was cut off is left out.
    """
    text = b"".join(pieces).decode("utf-8", "ignore")
    ends = np.cumsum([len(piece) for piece in pieces])
    found: dict[str, float] = {}
    for path, start, end in scalars(text):
        low, high = len(text[:start].encode()), len(text[:end].encode())
        first, last = np.searchsorted(ends, low, side="right"), np.searchsorted(ends, high, side="left")
        found[path] = round(min(1.0, *masses[first : last + 1]), 6)
    return found


def scalars(text: str, at: int = 0, path: str = "") -> Iterator[tuple[str, int, int]]:
    """Path, first and one-past-last character of every scalar in a compact JSON text, as far as it goes."""
    try:
        yield from _Walk(text).value(at, path)
    except (ValueError, IndexError):
        return


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0
        self._decode = json.JSONDecoder().raw_decode

    def value(self, at: int, path: str) -> Iterator[tuple[str, int, int]]:
        if self.text[at] in "{[":
            yield from self._members(at, path, named=self.text[at] == "{")
            return
        _, self.end = self._decode(self.text, at)
        if path and self.end == len(self.text):
            raise ValueError("cut off, or perhaps not yet at its end")
        yield path, at, self.end

    def _members(self, at: int, path: str, *, named: bool) -> Iterator[tuple[str, int, int]]:
        number, at = 0, at + 1
        while self.text[at] not in "}]":
            name: Any = number
            if named:
                name, at = self._decode(self.text, at)
                at += 1
            yield from self.value(at, f"{path}.{name}" if path else str(name))
            number, at = number + 1, self.end
            at += self.text[at] == ","
        self.end = at + 1
