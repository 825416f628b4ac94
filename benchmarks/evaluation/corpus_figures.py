"""Counting a corpus while it streams, and Self-BLEU beside nltk's.

    python -m cocoon.benchmarks.evaluation.corpus_figures    55,165 dialogues of SMILE's shape, about 300 MB on disk
    python -m cocoon.benchmarks.evaluation.corpus_figures --dialogues 5000

The dialogues are made up: 11 or 12 turns of 30 to 90 characters, Chinese, as long as SMILE's. Every count runs in a
process of its own, so that its peak memory is its own.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

from cocoon.benchmarks.orchestration.processes import save, table
from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.records import Dialogue, Profile, Turn
from cocoon.evaluation.text.corpora import corpus_figures
from cocoon.evaluation.text.diversity import self_bleu

SMILE = 55_165
GROWTH = 0.2
_CHARACTERS = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然"
)


def made_up(number: int, rng: random.Random) -> Dialogue:
    """A dialogue of SMILE's shape: client and counsellor by turns, 5.7 turns by the paper's counting."""
    turns = [
        Turn(
            role="user" if place % 2 == 0 else "supporter",
            content="".join(rng.choices(_CHARACTERS, k=rng.randint(30, 90))) + "。",
        )
        for place in range(rng.choice((10, 11, 12, 12, 12)))
    ]
    profile = Profile(id=f"smile-{number}", language="zh", feeling="")
    return Dialogue(id=profile.id, profile=profile, supporter="smile", language="zh", turns=turns, licence="CC0-1.0")


def _write(path: Path, dialogues: int) -> None:
    rng = random.Random(1)
    with path.open("wb") as file:
        file.writelines(dump_line(made_up(number, rng)) for number in range(dialogues))


def _count(path: Path, dialogues: int) -> dict[str, Any]:
    start = time.process_time()
    some = read_records(path, Dialogue)
    figures = corpus_figures(one for _, one in zip(range(dialogues), some, strict=False))
    return {
        "dialogues": figures.dialogues,
        "average_turns": figures.average_turns,
        "cpu_s": time.process_time() - start,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _texts(number: int) -> list[list[str]]:
    rng = random.Random(2)
    return [rng.choices(_CHARACTERS, k=rng.randint(60, 160)) for _ in range(number)]


def _ours(some: list[list[str]]) -> float:
    return self_bleu(some, 4) or 0.0


def _nltk(some: list[list[str]]) -> float:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smooth, bleu = SmoothingFunction().method1, cast(Any, sentence_bleu)
    scores = [bleu(some[:at] + some[at + 1 :], one, smoothing_function=smooth) for at, one in enumerate(some)]
    return sum(scores) / len(scores)


def _timed(compute: Callable[[list[list[str]]], float], number: int) -> tuple[float, float]:
    some, start = _texts(number), time.process_time()
    return compute(some), time.process_time() - start


def _bleus(sizes: list[int]) -> Iterator[dict[str, Any]]:
    for size in sizes:
        (ours, fast), (theirs, slow) = _timed(_ours, size), _timed(_nltk, size)
        yield {"texts": size, "ours_s": fast, "nltk_s": slow, "difference": abs(ours - theirs)}


def main() -> int:
    """Measure; exit code 1 when memory grows with the corpus or the two BLEUs differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=SMILE)
    parser.add_argument("--texts", type=int, nargs="*", default=[50, 100, 200])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cocoon-corpus-") as folder:
        path = Path(folder) / "corpus.jsonl"
        _write(path, options.dialogues)
        with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            counted = [pool.apply(_count, (path, size)) for size in (options.dialogues // 10, options.dialogues)]
        size_mb = path.stat().st_size / 1e6
    bleus = list(_bleus(options.texts))
    rows = [
        [one["dialogues"], f"{one['average_turns']:.2f}", f"{one['cpu_s']:.1f}", f"{one['peak_mb']:.0f}"]
        for one in counted
    ]
    print(table(["dialogues", "average turns", "CPU s", "peak RSS MB"], rows))
    print(f"\n{size_mb:.0f} MB, {1000 * counted[1]['cpu_s'] / options.dialogues:.2f} ms of CPU per dialogue\n")
    rows = [
        [one["texts"], f"{one['ours_s']:.3f}", f"{one['nltk_s']:.2f}", f"{one['nltk_s'] / one['ours_s']:.0f}"]
        for one in bleus
    ]
    print(table(["texts", "Self-BLEU-4, CPU s", "nltk, CPU s", "ratio"], rows))
    flat = counted[1]["peak_mb"] <= (1 + GROWTH) * counted[0]["peak_mb"]
    equal = all(one["difference"] < 1e-9 for one in bleus)
    print(f"\n{'ok' if flat and equal else 'FAILED'}: memory flat {flat}, BLEU as nltk's {equal}")
    print(f"written to {save('corpus_figures', {'options': vars(options), 'counted': counted, 'bleu': bleus})}")
    return 0 if flat and equal else 1


if __name__ == "__main__":
    sys.exit(main())
