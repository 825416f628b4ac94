"""Precision and recall of the script screen on its planted sentences, by kind, language, test and half.

python -m cocoon.benchmarks.script_screen
"""

from typing import get_args

from cocoon.core.records import Language
from cocoon.evaluation.screen_cases import WAYS, Half, measure, screen_cases

KINDS = (("leak", "early_need"), ("advice",), ("question",))


def shown(share: float | None) -> str:
    """A share with three decimals, a dash where there is none."""
    return "    -" if share is None else f"{share:.3f}"


def main() -> None:
    """Print one line a kind, language, test and half."""
    print("language kind              test      half  right wrong missed precision recall")
    for language in get_args(Language):
        cases = screen_cases(language)
        for kinds in KINDS:
            for way in WAYS:
                for half in (*get_args(Half), "both halves"):
                    some = [case for case in cases if case.kind in kinds and half in (case.half, "both halves")]
                    found = measure(some, language, way)
                    print(
                        f"{language:8} {'/'.join(kinds):17} {way:9} {half:11} {found.right:5} {found.wrong:5} "
                        f"{found.missed:6} {shown(found.precision)} {shown(found.recall)}"
                    )


if __name__ == "__main__":
    main()
