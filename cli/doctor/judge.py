"""How the test of a judge on labelled transcripts is printed."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from cocoon.evaluation.statistics.estimates import Estimate
    from cocoon.evaluation.success.judge_test_records import CaseResult, JudgeTest, ModeTest


def print_judge_test(test: "JudgeTest", *, verbose: bool = False) -> None:
    """Print the matrix and the shares of each mode, then cases and warnings. `verbose` lists the wrong verdicts."""
    from rich.console import Console
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    console = Console(highlight=False)
    word = test.character or "not told"
    console.print(Text(f"\n{printable(test.judge)} as a judge of {test.cases} labelled transcripts: {word}", "bold"))
    for mode in test.modes.values():
        console.print()
        console.print(_matrix(mode))
        console.print(_shares(mode))
        console.print(Text(_answers(mode)))
    console.print()
    console.print(_by_case(list(test.modes.values())))
    if verbose:
        console.print()
        console.print(_cases(test.results))
    for warning in test.warnings:
        console.print(Text(f"warning: {printable(warning)}", "yellow"))


def _table(title: str, *columns: str) -> "Table":
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", show_edge=False, box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _matrix(mode: "ModeTest") -> "Table":
    verdicts = list(next(iter(mode.matrix.values())))
    table = _table(f"{_plain(mode.mode)}: labels in rows", "", *(_head(verdict) for verdict in verdicts))
    for label, counts in mode.matrix.items():
        cells = [f"[green]{count}" if verdict == label else str(count or "·") for verdict, count in counts.items()]
        table.add_row(_plain(label), *cells)
    return table


def _plain(name: str) -> str:
    """Return `user, question` for `user/after_question`, and `paper` for `success_paper`."""
    return name.replace("/", ", ").replace("after_", "").replace("success_", "")


def _head(name: str) -> str:
    """Return a column's head in two short lines: `supp.` over `refl.`."""
    short = {"supporter": "supp.", "reflection": "refl.", "question": "quest.", "volunteered": "vol."}
    short |= {"leaked": "leak", "missing": "miss."}
    return "\n".join(short.get(part, part) for part in _plain(name).split(", "))


def _shares(mode: "ModeTest") -> "Table":
    table = _table("", "", "share", "95% interval", "of")
    rows: Iterable[tuple[str, Estimate | None]] = [
        ("right about success", mode.accuracy),
        ("successes told (sensitivity)", mode.sensitivity),
        ("failures told (specificity)", mode.specificity),
        ("the very label", mode.exact),
        ("leaked or volunteered, yet credited", mode.leaks_credited),
        ("missing", mode.missing),
        ("forced", mode.forced),
    ]
    for name, share in rows:
        if share is not None:
            interval = (
                f"{share.low:.2f} to {share.high:.2f}" if share.low is not None and share.high is not None else ""
            )
            table.add_row(name, _value(share), interval, str(share.n))
    return table


def _value(share: "Estimate | None") -> str:
    return "-" if share is None or share.value is None else f"{share.value:.2f}"


def _answers(mode: "ModeTest") -> str:
    """Return whether the answers are constant, why some are missing, and the character, in a line."""
    from cocoon.cli.terminal.terminal_text import printable

    reasons = ", ".join(f"{count} x {printable(reason)}" for reason, count in mode.reasons.items())
    share = "" if mode.commonest_share is None else f" ({mode.commonest_share:.0%} say {str(mode.commonest).lower()})"
    because = f"; missing: {reasons}" if reasons else ""
    return (
        f"answers constant: {'yes' if mode.constant else 'no'}{share}{because}; {mode.character or 'too few to tell'}"
    )


def _by_case(modes: "Sequence[ModeTest]") -> "Table":
    table = _table("right about success", "", *(_plain(mode.mode) for mode in modes), "cases")
    for group in ("by_language", "by_case"):
        for name in sorted(getattr(modes[0], group)):
            shares = [getattr(mode, group)[name] for mode in modes]
            table.add_row(name.replace("_", " "), *map(_value, shares), str(shares[0].n + shares[0].missing))
    return table


def _cases(results: "Sequence[CaseResult]") -> "Table":
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    table = _table("cases with another verdict than the label", "case", "mode", "label", "verdict")
    for column in table.columns:
        column.justify, column.no_wrap, column.overflow = "left", False, "fold"
    for result in results:
        if result.label != result.verdict:
            verdict = f"missing: {result.missing}" if result.missing else _plain(result.verdict)
            texts = (result.id, _plain(result.mode), _plain(result.label), verdict)
            table.add_row(*(Text(printable(text)) for text in texts))
    return table
