"""Precision and recall of the script screen on its planted sentences, by kind, language, test, batch and half; in
whole dialogues, how many turns vectors propose.

python -m cocoon.benchmarks.script_screen [--esconv FILE...]
With files of ESConv, also the share of supporter turns in which advice is found, by the strategy that people gave them:
`Providing Suggestions` should be found, `Reflection of feelings` and `Restatement or Paraphrasing` should not.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from cocoon.core.records import Language
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.labelled_cases import shipped_cases
from cocoon.evaluation.screen_cases import WAYS, Half, ScreenCase, measure, screen_cases
from cocoon.evaluation.script_screen import gives_advice, may_advise, means

KINDS = (("leak", "early_need"), ("advice",), ("question",))
PARTS: tuple[tuple[str, tuple[int, ...], tuple[Half, ...]], ...] = (
    *((f"{batch} {half}", (batch,), (half,)) for batch in (1, 2) for half in get_args(Half)),
    ("all", (1, 2), get_args(Half)),
)


def shown(share: float | None) -> str:
    """A share with three decimals, a dash where there is none."""
    return "    -" if share is None else f"{share:.3f}"


def planted(language: Language) -> Iterator[str]:
    """A line for each kind, test and part of the planted sentences."""
    for kinds in KINDS:
        of_kind = [case for case in screen_cases(language) if case.kind in kinds]
        for way in WAYS:
            for name, batches, halves in PARTS:
                some: list[ScreenCase] = [case for case in of_kind if case.batch in batches and case.half in halves]
                if some:
                    found = measure(some, language, way)
                    yield (
                        f"{language:8} {'/'.join(kinds):17} {way:9} {name:7} {found.right:5} {found.wrong:5} "
                        f"{found.missed:6} {shown(found.precision)} {shown(found.recall)}"
                    )


def labelled(files: list[Path]) -> Iterator[str]:
    """Strategy -> turns, and the shares in which advice is found for certain, and for certain or perhaps."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    dialogues = (dialogue for file in files for dialogue in read_corpus("esconv", file).dialogues)
    for turn in (turn for dialogue in dialogues for turn in dialogue.turns):
        if turn.role == "supporter" and turn.thought:
            certain = gives_advice(turn.content, "en") is not None
            perhaps = certain or may_advise(turn.content, "en") is not None
            counts[turn.thought.strategy].update(turns=1, certain=certain, perhaps=perhaps)
    for strategy, one in sorted(counts.items()):
        certain, perhaps = (one[name] / one["turns"] for name in ("certain", "perhaps"))
        yield f"{strategy:28} {one['turns']:5} {certain:7.3f} {perhaps:7.3f}"


def whole(language: Language) -> str:
    """Turns of the labelled transcripts that tell the need, and those before them: how many vectors propose."""
    telling, innocent = list[bool](), list[bool]()
    for case in shipped_cases(language):
        end = len(case.turns) if case.label.turn is None else case.label.turn
        innocent += [means(turn.content, case.need, language) for turn in case.turns[:end]]
        telling += [means(turn.content, case.need, language) for turn in case.turns[end : end + 1]]
    return (
        f"{language:8} tells the need: {sum(telling)} of {len(telling)} ({sum(telling) / len(telling):.2f}), "
        f"before it: {sum(innocent)} of {len(innocent)} ({sum(innocent) / len(innocent):.2f}); {_advice(language)}"
    )


def _advice(language: Language) -> str:
    said = [turn.content for case in shipped_cases(language) for turn in case.turns[1:] if turn.role == "supporter"]
    certain = [text for text in said if gives_advice(text, language)]
    doubtful = [text for text in said if text not in certain and may_advise(text, language)]
    return f"advice certain in {len(certain)}, doubtful in {len(doubtful)} of {len(said)} supporter turns"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--esconv", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    print("language kind              test      part    right wrong missed precision recall")
    for language in get_args(Language):
        print(*planted(language), sep="\n")
    print("\nturns of whole dialogues (evaluation/judge_cases) that vectors propose, and supporters' turns with advice")
    print(*map(whole, get_args(Language)), sep="\n")
    if options.esconv:
        print("\nstrategy                     turns certain perhaps", *labelled(options.esconv), sep="\n")


if __name__ == "__main__":
    main()
