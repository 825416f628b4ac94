"""Hold replies to a JSON schema while they are written, and measure how much the model wanted the legal tokens.

The grammar engine is llguidance. docs/decisions/constrained-decoding.md gives the reasons and the measurements.
"""

import itertools
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cocoon.models.local.libraries import require_libraries
from cocoon.models.local.schema import Schema, requested_schema, shortest_reply
from cocoon.models.request_errors import RefusedError

# Tokens reserved for the end of a reply beyond its shortest form, and the number left when numbers are cut too.
_CLOSE_MARGIN = 12
_LAST = 4
_LONGEST_REASON = 200
# The spacing of JSON in prompts and in what models write. Other spacing would lower the mass of the legal tokens for a
# reason that has nothing to do with the answer. It is fixed, so that a small model cannot loop on white space.
_SPACING: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
# More digits than a float64 can store change nothing, but a small model writes them without end.
_LONGEST_NUMBER = 20
_NUMBER_AT_END = re.compile(rf"[-+.\deE]{{{_LONGEST_NUMBER}}}$")


class Constraint(Protocol):
    """The constraint on one reply. It gives the legal tokens before each token, and learns which token was taken."""

    @property
    def finished(self) -> bool:
        """Return whether only the end may follow."""
        ...

    def legal(self) -> NDArray[np.bool_]:
        """Return which tokens the schema admits next, shape (vocabulary,)."""
        ...

    def narrow(self, legal: NDArray[np.bool_], left: int) -> NDArray[np.bool_]:
        """Return the legal tokens to choose from when only `left` more fit, fewer where the reply must close."""
        ...

    def accept(self, token: int) -> None:
        """Take a token."""
        ...

    def weigh(self, mass: float) -> None:
        """Take the probability that the unmasked model gave to all legal tokens together, for token after token."""
        ...

    @property
    def weighed(self) -> bool:
        """Return whether every token that counts for `facts` is weighed."""
        ...

    @property
    def text(self) -> str:
        """Return the reply so far."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return what the reply's metadata says about the constraint."""
        ...


class Grammars:
    """Compiles schemas for one tokenizer. `vocabulary` is the width of the model's logits."""

    def __init__(self, tokenizer: Any, vocabulary: int, eos: Sequence[int]) -> None:
        require_libraries("llguidance")
        from llguidance.hf import from_tokenizer

        self.tokens = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=list(eos))
        self.vocabulary = vocabulary
        self.closing = Closing(self.tokens, vocabulary)
        # A run uses only a few schemas, each thousands of times.
        self._compiled = lru_cache(maxsize=64)(self._compile)

    def hold(self, response_format: dict[str, Any] | None) -> "HeldReply | None":
        """Return a new constraint for one reply, or None for plain text.

        Raises RefusedError (status 400, as a server would) for a schema that the engine cannot enforce.
        """
        schema = requested_schema(response_format)
        if schema is None:
            return None
        matcher, reserve = self._compiled(json.dumps(schema))
        return HeldReply(matcher.deep_copy(), self, reserve)

    def _compile(self, text: str) -> tuple[Any, int]:
        from llguidance import LLMatcher

        schema: Schema = json.loads(text)
        reserve = len(self.tokens.tokenize_str(shortest_reply(schema))) + _CLOSE_MARGIN
        matcher = LLMatcher(self.tokens, grammar_of(schema), log_level=0)
        self._check_start(matcher.deep_copy())
        return matcher, reserve

    def _check_start(self, matcher: Any) -> None:
        """Refuse a schema whose first tokens the engine cannot find. It would end each reply there without a word."""
        reply = HeldReply(matcher, self, 0)
        for _ in range(2):
            if not reply.finished:
                reply.accept(int(reply.legal().argmax()))
        if matcher.is_error():
            raise cannot_enforce(matcher.get_error())


def grammar_of(schema: Schema) -> str:
    """Return the engine's grammar of a schema. Raises RefusedError for a schema that it cannot read."""
    from llguidance import LLMatcher

    try:
        return LLMatcher.grammar_from_json_schema(schema, overrides=_SPACING)
    except ValueError as error:
        raise cannot_enforce(str(error)) from None


def cannot_enforce(reason: str) -> RefusedError:
    """Return the error for a schema that the engine refuses, with the first line of its reason."""
    return RefusedError(
        400, f"this schema cannot be enforced: {reason.strip().partition(chr(10))[0][:_LONGEST_REASON]}"
    )


class Closing:
    """Brings a reply to its end in time by closing strings, arrays and objects, and numbers that do not stop."""

    def __init__(self, tokens: Any, vocabulary: int) -> None:
        signs = {sign: tokens.tokenize_str(sign) for sign in '",}]0123456789'}
        self._ids = {sign: ids[0] for sign, ids in signs.items() if len(ids) == 1}
        self._commas = np.array([tokens.decode_bytes([i])[:1] == b"," for i in range(vocabulary)])

    def inside_string(self, legal: NDArray[np.bool_]) -> bool:
        """Return whether the reply is inside a string, the only place where a quote and a comma are both legal."""
        return self._legal(legal, '"') and self._legal(legal, ",")

    def inside_number(self, legal: NDArray[np.bool_]) -> bool:
        """Return whether a digit may follow, outside a string."""
        return not self.inside_string(legal) and any(self._legal(legal, digit) for digit in "0123456789")

    def close(self, legal: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Return the one legal token that closes what is open, or None where nothing can be closed here."""
        signs = '"' if self.inside_string(legal) else '}],"'
        sign = next((sign for sign in signs if self._legal(legal, sign)), None)
        if sign is None:
            return None
        closing = np.zeros_like(legal)
        closing[self._ids[sign]] = True
        return closing

    def last_member(self, legal: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Return the legal tokens without those that begin another member, or None where a member must still come."""
        may_end = self._legal(legal, "}") or self._legal(legal, "]")
        return legal & ~self._commas if may_end else None

    def _legal(self, legal: NDArray[np.bool_], sign: str) -> bool:
        return sign in self._ids and bool(legal[self._ids[sign]])


class HeldReply:
    """One reply that llguidance constrains. It is a `Constraint`."""

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
        closing = self._closing(legal, left)
        if closing is None or np.array_equal(closing, legal):
            return legal
        self._narrowed = True
        return closing

    def _closing(self, legal: NDArray[np.bool_], remaining: int) -> NDArray[np.bool_] | None:
        closer = self._grammars.closing
        if closer.inside_number(legal) and not self._number_runs_on(remaining):
            return closer.last_member(legal) if remaining <= self._reserve else None
        return closer.close(legal) if remaining <= self._reserve or closer.inside_number(legal) else None

    def _number_runs_on(self, remaining: int) -> bool:
        """Return whether a number must be cut.

        It is cut only when it is far too long or nothing else fits, so that no answer is changed.
        """
        tail = self.text[-_LONGEST_NUMBER:]
        return remaining <= _LAST or _NUMBER_AT_END.search(tail) is not None

    def accept(self, token: int) -> None:
        self._matcher.consume_token(token)
        self._pieces.append(self._grammars.tokens.decode_bytes([token]))

    def weigh(self, mass: float) -> None:
        self._masses.append(mass)

    @property
    def weighed(self) -> bool:
        return all(end <= len(self._masses) for _, _, end in tokens_of_scalars(self._pieces))

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"legal_mass": legal_mass(self._pieces, self._masses)}
        return {**facts, "closed_early": True} if self._narrowed else facts


def legal_mass(pieces: Sequence[bytes], masses: Sequence[float]) -> dict[str, float]:
    """Return the lowest mass among the tokens of each scalar of a JSON text without line breaks.

    A token belongs to a scalar if they share a byte. `pieces` are the bytes of the tokens and `masses` the
    probabilities. Keys are paths such as `items.1`. A value that was cut off is left out.
    """
    spans = tokens_of_scalars(pieces)
    return {path: round(min(1.0, *masses[first:end]), 6) for path, first, end in spans}


def tokens_of_scalars(pieces: Sequence[bytes]) -> Iterator[tuple[str, int, int]]:
    """Yield path, first and one-past-last token of every complete scalar of a JSON text without line breaks."""
    text = b"".join(pieces).decode("utf-8", "ignore")
    ends = list(itertools.accumulate(len(piece) for piece in pieces))
    for path, start, end in scalars(text):
        low, high = len(text[:start].encode()), len(text[:end].encode())
        yield path, bisect_right(ends, low), bisect_left(ends, high) + 1


def scalars(text: str, at: int = 0, path: str = "") -> Iterator[tuple[str, int, int]]:
    """Yield path, first and one-past-last character of every scalar in a JSON text without line breaks.

    The text may be cut off, and then only the complete scalars are given.
    """
    try:
        yield from _ScalarScanner(text).value(at, path)
    except (ValueError, IndexError):
        return


class _ScalarScanner:
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
                at = self._past_space(at + 1)
            yield from self.value(at, f"{path}.{name}" if path else str(name))
            number, at = number + 1, self.end
            at = self._past_space(at + (self.text[at] == ","))
        self.end = at + 1

    def _past_space(self, at: int) -> int:
        return at + 1 if self.text[at] == " " else at
