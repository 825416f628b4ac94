"""What the endpoint answers: a function of the prompt alone, so that equal prompts get equal answers."""

import hashlib
import json
import math
import random
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import orjson

from cocoon.benchmarks.endpoint.moves import rewritten
from cocoon.benchmarks.endpoint.schema_values import Instances, Schema, transcript_lines
from cocoon.benchmarks.endpoint.words import is_chinese, sentences

ResponseFormat = Literal["text", "json_object", "json_schema"]
Flaw = Literal["malformed", "schema_break"]
_FORMATS: tuple[ResponseFormat, ...] = ("text", "json_object", "json_schema")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request as far as the answer depends on it. `texts` are the contents of its messages."""

    sha: str
    model: str
    texts: list[str]
    last_user: str
    response_format: ResponseFormat
    schema: Schema | None
    stream: bool

    @property
    def tokens(self) -> int:
        """Prompt tokens, counted as a quarter of the characters."""
        return sum(map(len, self.texts)) // 4

    def generator(self, purpose: str) -> random.Random:
        """A generator fixed by the prompt and the purpose of the draw."""
        return random.Random(f"{purpose}:{self.sha}")


def read_prompt(body: bytes) -> Prompt:
    """Read the JSON body of a chat completion request.

    Raises ValueError when it is not one; the message is what the client gets to see.
    """
    request: Any = orjson.loads(body)
    if not isinstance(request, dict) or not isinstance(messages := request.get("messages"), list) or not messages:
        raise ValueError("'messages' must be a list of at least one message")
    texts = [_text_of(message) for message in messages]
    asked: dict[str, Any] = request.get("response_format") or {"type": "text"}
    if (kind := asked.get("type")) not in _FORMATS:
        raise ValueError(f"response_format type {kind!r} is unknown, use one of {', '.join(_FORMATS)}")
    schema = asked["json_schema"]["schema"] if kind == "json_schema" else None
    users = [text for message, text in zip(messages, texts, strict=True) if message["role"] == "user"]
    model = str(request.get("model"))
    sha = request_sha(model, messages, schema)
    return Prompt(sha, model, texts, users[-1] if users else texts[-1], kind, schema, bool(request.get("stream")))


def request_sha(model: str, messages: list[Any], schema: Schema | None) -> str:
    """What a request is known by: everything its answer depends on, in whatever order its keys come."""
    whole = orjson.dumps([model, messages, schema], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(whole).hexdigest()


def _text_of(message: Any) -> str:
    if not isinstance(message, dict) or "role" not in message:
        raise ValueError(f"every message needs a role and a content, got {str(message)[:80]!r}")
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def answer(prompt: Prompt, size: int, prose: bool, flaw: Flaw | None = None) -> str:
    """The text for a prompt: prose of `size` bytes, or an instance of its schema unless `prose`."""
    draw = prompt.generator("answer")
    chinese = is_chinese(prompt.texts[-1])
    schema = prompt.schema or _described_schema(prompt.texts)
    if prose or (schema is None and prompt.response_format == "text"):
        return sentences(draw, size, chinese)
    if schema is None:
        return orjson.dumps({"answer": sentences(draw, 40, chinese)}).decode()
    if "reply" in schema.get("properties", {}) and (words := rewritten(prompt.last_user, chinese)):
        return orjson.dumps({"reply": words}).decode()
    lines = transcript_lines(prompt.last_user) or transcript_lines("\n".join(prompt.texts))
    instances = Instances(draw, schema, lines, chinese)
    made = instances.value(schema)
    text = orjson.dumps(instances.break_(made, schema) if flaw == "schema_break" else made).decode()
    # Cut early enough that a lenient reader which closes the brackets finds keys missing.
    return f"{text[: draw.randint(len(text) // 2, 3 * len(text) // 4)]} and so on" if flaw == "malformed" else text


def _described_schema(texts: list[str]) -> Schema | None:
    """The JSON schema that a prompt spells out, for clients that ask for JSON by prompt."""
    for text in reversed(texts):
        end = text.find('"properties"')
        start = text.find("{")
        while 0 <= start < end:
            try:
                found, _ = json.JSONDecoder().raw_decode(text, start)
            except ValueError:
                found = None
            if isinstance(found, dict) and "properties" in found:
                return found
            start = text.find("{", start + 1)
    return None


def wants_json(prompt: Prompt) -> bool:
    """Whether the prompt asks for JSON, by its response format or by a schema in its words."""
    return prompt.response_format != "text" or _described_schema(prompt.texts) is not None


def service_seconds(prompt: Prompt, mean: float, cv: float) -> float:
    """Seconds that the answer takes: `mean`, or lognormal with that mean and coefficient of variation."""
    if cv == 0 or mean == 0:
        return mean
    variance = math.log1p(cv * cv)
    chance = min(max(prompt.generator("latency").random(), 1e-9), 1 - 1e-9)
    return math.exp(math.log(mean) - variance / 2 + math.sqrt(variance) * NormalDist().inv_cdf(chance))
