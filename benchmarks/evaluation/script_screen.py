"""Precision and recall of the script screen on its planted sentences, by kind, language, test, batch and half; in
whole dialogues, how many turns vectors propose.

python -m cocoon.benchmarks.evaluation.script_screen [--esconv FILE...]
With files of ESConv, also the shares of supporter turns in which advice and questions are found, by the strategy
that people gave them: advice should be found in `Providing Suggestions`, questions in `Question`, neither in
`Reflection of feelings`. A "?" in the head stands for what is found for certain or perhaps.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from cocoon.core.records import Language
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.screen.cases import WAYS, Half, ScreenCase, ScreenCounts, measure_screen, screen_cases
from cocoon.evaluation.screen.screen import Manner, Rewrite, doubtful_manner, manner, means
from cocoon.evaluation.success.labelled_cases import shipped_cases

KINDS: tuple[tuple[tuple[str, ...], Rewrite], ...] = (
    (("leak", "early_need"), "closed"),
    (("advice",), "closed"),
    (("question",), "closed"),
    (("request",), "closed"),
    (("request",), "all"),
)
MANNER_RULES: tuple[tuple[Manner, Rewrite], ...] = (("advice", "closed"), ("question", "closed"), ("question", "all"))
BATCHES = (1, 2, 3, 4, 5)
PARTS: tuple[tuple[str, tuple[int, ...], tuple[Half, ...]], ...] = (
    *((f"{batch} {half}", (batch,), (half,)) for batch in BATCHES for half in get_args(Half)),
    ("all", BATCHES, get_args(Half)),
)
FOUND = ("advice", "advice?", "closed", "closed?", "all", "all?")


def shown(share: float | None) -> str:
    """A share with three decimals, a dash where there is none."""
    return "    -" if share is None else f"{share:.3f}"


def planted(language: Language) -> Iterator[str]:
    """A line for each kind, test and part of the planted sentences."""
    for kinds, rewrite in KINDS:
        of_kind = [case for case in screen_cases(language) if case.kind in kinds]
        for way in WAYS:
            for name, batches, halves in PARTS:
                some: list[ScreenCase] = [case for case in of_kind if case.batch in batches and case.half in halves]
                if some:
                    found = measure_screen(some, language, way, rewrite)
                    yield f"{language:8} {'/'.join(kinds):17} {rewrite:8} {way:9} {name:7} {counts(found)}"


def counts(found: ScreenCounts) -> str:
    """The counts of a line, its precision and recall."""
    shares = f"{shown(found.precision)} {shown(found.recall)}"
    return f"{found.right:5} {found.wrong:5} {found.missed:6} {shares}"


def found_in(text: str) -> dict[str, bool]:
    """What a turn has, in the order of FOUND: for certain, and for certain or perhaps, of each manner and rule."""
    certain = [manner(kind, text, "en", rewrite) is not None for kind, rewrite in MANNER_RULES]
    perhaps = [doubtful_manner(kind, text, "en", rewrite) is not None for kind, rewrite in MANNER_RULES]
    pairs = [found for sure, maybe in zip(certain, perhaps, strict=True) for found in (sure, sure or maybe)]
    return dict(zip(FOUND, pairs, strict=True))


def labelled(files: list[Path]) -> Iterator[str]:
    """Strategy -> turns, and the shares with advice and with questions under `closed` and `all`, in FOUND's order."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    dialogues = (dialogue for file in files for dialogue in read_corpus("esconv", file).dialogues)
    for turn in (turn for dialogue in dialogues for turn in dialogue.turns):
        if turn.role == "supporter" and turn.thought:
            counts[turn.thought.strategy].update(turns=1, **found_in(turn.content))
    for strategy, one in sorted(counts.items()):
        yield f"{strategy:28} {one['turns']:5} " + " ".join(f"{one[name] / one['turns']:9.3f}" for name in FOUND)


def whole(language: Language) -> str:
    """Turns of the labelled transcripts that tell the need, and those before them: how many vectors propose."""
    telling, innocent = list[bool](), list[bool]()
    for case in shipped_cases(language):
        end = len(case.turns) if case.label.turn is None else case.label.turn
        innocent += [means(turn.content, case.need, language) for turn in case.turns[:end]]
        telling += [means(turn.content, case.need, language) for turn in case.turns[end : end + 1]]
    return (
        f"{language:8} tells the need: {sum(telling)} of {len(telling)} ({sum(telling) / len(telling):.2f}), "
        f"before it: {sum(innocent)} of {len(innocent)} ({sum(innocent) / len(innocent):.2f}); {_manners(language)}"
    )


def _manners(language: Language) -> str:
    said = [turn.content for case in shipped_cases(language) for turn in case.turns[1:] if turn.role == "supporter"]
    parts = [_manner(kind, rewrite, said, language) for kind, rewrite in MANNER_RULES]
    return f"{'; '.join(parts)} of {len(said)} supporter turns"


def _manner(kind: Manner, rewrite: Rewrite, said: list[str], language: Language) -> str:
    certain = [text for text in said if manner(kind, text, language, rewrite)]
    doubtful = [text for text in said if text not in certain and doubtful_manner(kind, text, language, rewrite)]
    return f"{kind} ({rewrite}) certain in {len(certain)}, doubtful in {len(doubtful)}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--esconv", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    print("language kind              rewrite  test      part    right wrong missed precision recall")
    for language in get_args(Language):
        print(*planted(language), sep="\n")
    print(
        "\nwhole dialogues (evaluation/success/judge_cases): turns that vectors propose, turns with advice or questions"
    )
    print(*map(whole, get_args(Language)), sep="\n")
    if options.esconv:
        print(
            "\nstrategy                     turns " + " ".join(f"{name:>9}" for name in FOUND),
            *labelled(options.esconv),
            sep="\n",
        )


if __name__ == "__main__":
    main()
