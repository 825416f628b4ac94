"""Grammar engines on the embedded model: a scale of 16 items, each 1 to 7 or null, alone and eight at once.

    python -m cocoon.benchmarks.constrained_decoding [--repeats 5] [--json] [--forced]

Measures llguidance, and xgrammar where it is installed, through the very sampler of `cocoon.core`, with unheld
replies as the control; then what the reuse of a prompt's beginning could save at most.
docs/decisions/constrained-decoding.md holds the table that this printed and what was decided by it.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocoon.models.local.constraint import Constraint, Grammars
from cocoon.models.local.decoding.padded import write_padded
from cocoon.models.local.decoding.writer import generate_replies
from cocoon.models.local.sampling import ReplyRow, text_of
from cocoon.models.local.weights import Weights, load_weights

ITEM = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 7}, {"type": "null"}]}
TALK = "User: I hardly sleep since they moved me to the other team. Supporter: The nights have become heavy for you. "
PROMPT = f"{TALK * 8}\nRate the supporter on each of the sixteen items from 1 to 7, or null. Answer in JSON."
Start = Callable[[], Constraint | None]


def scale(items: int) -> dict[str, Any]:
    """The schema of a scale with that many items."""
    names = [str(number) for number in range(1, items + 1)]
    answers = {"type": "object", "properties": dict.fromkeys(names, ITEM), "required": names}
    return {"type": "object", "properties": {"items": answers}, "required": ["items"]}


class XGrammarReply:
    """One reply held by xgrammar; has no early closing."""

    def __init__(self, engine: "XGrammar", compiled: Any) -> None:
        xgrammar = importlib.import_module("xgrammar")

        self._matcher = xgrammar.GrammarMatcher(compiled, terminate_without_stop_token=True)
        self._words = xgrammar.allocate_token_bitmask(1, engine.vocabulary)
        self._engine = engine
        self._tokens: list[int] = []

    @property
    def finished(self) -> bool:
        return self._matcher.is_terminated()

    @property
    def text(self) -> str:
        return self._engine.tokenizer.decode(self._tokens)

    def legal(self) -> NDArray[np.bool_]:
        self._matcher.fill_next_token_bitmask(self._words)
        bits = np.unpackbits(self._words.numpy().view(np.uint8), bitorder="little")
        return bits[: self._engine.vocabulary].view(np.bool_)

    def narrow(self, legal: NDArray[np.bool_], left: int) -> NDArray[np.bool_]:  # noqa: ARG002
        return legal

    def accept(self, token: int) -> None:
        self._matcher.accept_token(token)
        self._tokens.append(token)

    def weigh(self, mass: float) -> None:  # noqa: ARG002
        return

    @property
    def weighed(self) -> bool:
        return True

    def facts(self) -> dict[str, Any]:
        return {}


class XGrammar:
    """Compiles schemas with xgrammar for one tokenizer."""

    def __init__(self, tokenizer: Any, vocabulary: int, eos: list[int]) -> None:
        xgrammar = importlib.import_module("xgrammar")

        self.tokenizer, self.vocabulary = tokenizer, vocabulary
        info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=vocabulary, stop_token_ids=eos)
        self._compiler = xgrammar.GrammarCompiler(info, max_threads=1)

    def hold(self, schema: dict[str, Any]) -> XGrammarReply:
        compiled = self._compiler.compile_json_schema(
            json.dumps(schema), any_whitespace=False, separators=(", ", ": "), strict_mode=True
        )
        return XGrammarReply(self, compiled)


class LLGuidance:
    """The engine that `cocoon.core` uses."""

    def __init__(self, tokenizer: Any, vocabulary: int, eos: list[int]) -> None:
        self._grammars = Grammars(tokenizer, vocabulary, eos)

    def hold(self, schema: dict[str, Any]) -> Constraint | None:
        return self._grammars.hold({"type": "json_schema", "json_schema": {"name": "scale", "schema": schema}})


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def write(weights: Weights, start: Start, rows: int, tokens: int, seed: int) -> tuple[float, list[ReplyRow]]:
    """Tokens per second of `rows` replies written together at temperature 1, and the rows."""
    import torch

    prompt = weights.template.ids([{"role": "user", "content": PROMPT}])
    batch = [ReplyRow(prompt, tokens, 1.0) for _ in range(rows)]
    for number, row in enumerate(batch):
        row.generator = torch.Generator().manual_seed(seed + number)
        row.constraint = start()
    spent = seconds(lambda: generate_replies(weights, batch))
    return sum(len(row.tokens) for row in batch) / spent, batch


def held(weights: Weights, row: ReplyRow) -> bool:
    """Whether a reply is the scale, complete, in the one spacing."""
    text = text_of(weights, row)
    values = json.loads(text)["items"]
    legal = all(value is None or value in range(1, 8) for value in values.values())
    return legal and len(values) == 16 and text == json.dumps({"items": values})


def mask_milliseconds(start: Start, row: ReplyRow) -> tuple[float, float]:
    """Time to find the legal tokens, per token of a written reply, and the share of tokens that were forced."""
    constraint = start()
    assert constraint is not None
    spent, forced = 0.0, 0
    for token in row.tokens:
        began = time.perf_counter()
        legal = constraint.legal()
        spent += time.perf_counter() - began
        forced += int(legal.sum() == 1)
        constraint.accept(token)
    return 1e3 * spent / len(row.tokens), forced / len(row.tokens)


def measure_engine(weights: Weights, engine: type[Any], repeats: int) -> dict[str, Any]:
    """All figures of one engine."""
    settings = weights.tokenizer, weights.network.config.vocab_size, weights.eos
    made: list[Any] = []
    setup = seconds(lambda: made.append(engine(*settings)))
    ready = made[0]
    compile_new = [seconds(lambda items=items: ready.hold(scale(items))) for items in range(3, 17)]

    def start() -> Constraint | None:
        return ready.hold(scale(16))

    speeds: dict[int, list[float]] = {1: [], 8: []}
    rows: list[ReplyRow] = []
    for repeat in range(repeats):
        for count, found in speeds.items():
            speed, written = write(weights, start, count, 200, seed=100 * repeat)
            found.append(speed)
            rows += written
    milliseconds, forced = mask_milliseconds(start, rows[0])
    return {
        "setup_s": setup,
        "compile_16_items_ms": 1e3 * compile_new[-1],
        "start_again_ms": 1e3 * statistics.median(seconds(start) for _ in range(20)),
        "mask_ms_per_token": milliseconds,
        "forced_share": forced,
        "tokens_per_s_alone": statistics.median(speeds[1]),
        "tokens_per_s_of_8": statistics.median(speeds[8]),
        "replies": len(rows),
        "valid": sum(held(weights, row) for row in rows),
    }


def measure_free(weights: Weights, repeats: int) -> dict[str, Any]:
    """The control: replies of the same length without a constraint."""

    def free(count: int, repeat: int) -> float:
        return write(weights, lambda: None, count, 97, seed=repeat)[0]

    speeds = {count: statistics.median(free(count, repeat) for repeat in range(repeats)) for count in (1, 8)}
    return {"tokens_per_s_alone": speeds[1], "tokens_per_s_of_8": speeds[8]}


def measure_prefix(weights: Weights, rows: int, repeats: int) -> dict[str, float]:
    """Seconds to read prompts of about 900 tokens whole, or their last 60 tokens on kept keys and values."""
    import torch

    ids = weights.template.ids([{"role": "user", "content": TALK * 34}])
    whole = torch.tensor([ids] * rows, device=weights.device)
    read, rest, written = [], [], []
    for _ in range(repeats):
        with torch.inference_mode():
            read.append(seconds(lambda: weights.network(whole, logits_to_keep=1)))
            kept = weights.network(whole[:, :-60], logits_to_keep=1).past_key_values
            new = {"input_ids": whole[:, -60:], "past_key_values": kept}
            rest.append(seconds(lambda new=new: weights.network(**new, logits_to_keep=1)))
        written.append(seconds(lambda: generate_replies(weights, [ReplyRow(ids, 60) for _ in range(rows)])))
    return {
        "prompt_tokens": len(ids),
        "read_whole_s": statistics.median(read),
        "read_last_60_s": statistics.median(rest),
        "call_of_60_tokens_s": statistics.median(written),
    }


def measure_forced(weights: Weights, rows: int, repeats: int) -> dict[str, Any]:
    """CPU seconds of replies of ten items, prompt included: with `generate`, and with forced tokens in one pass."""
    grammars = Grammars(weights.tokenizer, weights.network.config.vocab_size, weights.eos)
    prompt = weights.template.ids([{"role": "user", "content": PROMPT}])
    ten = {"type": "json_schema", "json_schema": {"name": "scale", "schema": scale(10)}}
    spent: dict[str, list[float]] = {"generate": [], "steps": []}
    tokens = 0
    for _ in range(repeats):
        for name, work in (("generate", write_padded), ("steps", generate_replies)):
            batch = [
                ReplyRow([*prompt[:-1], token], 200, constraint=grammars.hold(ten)) for token in range(20, 20 + rows)
            ]
            began = time.process_time()
            work(weights, batch)
            spent[name].append(time.process_time() - began)
            tokens = len(batch[0].tokens)
    medians = {f"{name}_cpu_s": statistics.median(seconds) for name, seconds in spent.items()}
    return {"rows": rows, "tokens": tokens, **medians}


def versions() -> dict[str, str]:
    """Versions of what was measured."""
    names = ("torch", "transformers", "llguidance", "xgrammar")
    return {name: importlib.metadata.version(name) for name in names if importlib.util.find_spec(name)}


def measure(repeats: int) -> dict[str, Any]:
    """Every figure of this benchmark."""
    weights = load_weights("smollm2", None, None)
    write(weights, lambda: None, 8, 8, seed=0)
    engines: dict[str, type[Any]] = {"llguidance": LLGuidance}
    if importlib.util.find_spec("xgrammar"):
        engines["xgrammar"] = XGrammar
    results = {name: measure_engine(weights, engine, repeats) for name, engine in engines.items()}
    return {
        "versions": versions(),
        "device": weights.device,
        "dtype": weights.dtype,
        "none": measure_free(weights, repeats),
        **results,
        "prefix of 1": measure_prefix(weights, 1, repeats),
        "prefix of 8": measure_prefix(weights, 8, repeats),
    }


def measure_ten_items(repeats: int) -> dict[str, Any]:
    """Replies of ten items, alone and eight at once that share most of their prompt."""
    weights = load_weights("smollm2", None, None)
    write(weights, lambda: None, 2, 4, seed=0)
    return {f"{rows} at once": measure_forced(weights, rows, repeats) for rows in (1, 8)}


def main() -> None:
    """Print the figures, as lines or as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--forced", action="store_true", help="measure replies of ten items, and nothing else")
    options = parser.parse_args()
    results = measure_ten_items(options.repeats) if options.forced else measure(options.repeats)
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for name, figures in results.items():
        shown = figures if isinstance(figures, str) else json.dumps(figures)
        print(f"{name:12} {shown}")


if __name__ == "__main__":
    main()
