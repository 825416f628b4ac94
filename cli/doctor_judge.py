"""`cocoon doctor --judge`: a judge put to the test on labelled transcripts, and how that is shown."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from cocoon.core.records import Language
    from cocoon.evaluation.judge_test_records import CaseResult, JudgeTest, ModeTest
    from cocoon.evaluation.statistics import Estimate


def examine(spec: str, language: "Language | None", most: int | None, out: Path | None, timeout: float) -> "JudgeTest":
    """Test a judge on the shipped cases; without `out` in a folder that is gone afterwards."""
    import tempfile

    if out is not None:
        return _examine(spec, language, most, out, timeout)
    with tempfile.TemporaryDirectory(prefix="cocoon-judge-") as folder:
        return _examine(spec, language, most, Path(folder), timeout)


def _examine(spec: str, language: "Language | None", most: int | None, out: Path, timeout: float) -> "JudgeTest":
    import asyncio

    import typer

    from cocoon.cli.progress import Watcher
    from cocoon.evaluation.labelled_cases import shipped_cases
    from cocoon.graphs.judge_test import examine_judge, judge_study
    from cocoon.graphs.session import forbid_cloud_tracing

    forbid_cloud_tracing()
    study = judge_study(spec, timeout)
    study.judges()
    hosts = study.models.hosts
    typer.echo(f"text goes to: {', '.join(hosts)}" if hosts else "text stays on this machine", err=True)
    return asyncio.run(examine_judge(study, shipped_cases(language, most), out, Watcher()))


def print_test(test: "JudgeTest", *, verbose: bool = False) -> None:
    """Per mode the matrix and the shares, then warnings; with `verbose` every case that was not told exactly."""
    from rich.console import Console
    from rich.markup import escape

    from cocoon.cli.terminal_text import printable

    console = Console(highlight=False)
    word = test.character or "not told"
    console.print(f"\n{escape(printable(test.judge))} as a judge of {test.cases} labelled transcripts: [bold]{word}")
    for mode in test.modes.values():
        console.print()
        console.print(_matrix(mode))
        console.print(_shares(mode))
    if verbose:
        console.print()
        console.print(_cases(test.results))
    for warning in test.warnings:
        console.print(f"warning: {escape(printable(warning))}", style="yellow")


def _table(title: str, *columns: str) -> "Table":
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_edge=False, box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _matrix(mode: "ModeTest") -> "Table":
    verdicts = list(next(iter(mode.matrix.values())))
    table = _table(f"{mode.mode}: labels (rows) by verdicts", "", *(_short(verdict) for verdict in verdicts))
    for label, counts in mode.matrix.items():
        cells = [f"[green]{count}" if verdict == label else str(count or "·") for verdict, count in counts.items()]
        table.add_row(label.replace("/", ", ").replace("_", " "), *cells)
    return table


def _short(name: str) -> str:
    """A column's head in two short lines: `user/after_question` is `user` over `question`."""
    return name.replace("/", "\n").replace("after_", "").replace("supporter", "supp.")


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
        *((f"right, language {name}", share) for name, share in mode.by_language.items()),
        *((f"right, case {name}", share) for name, share in sorted(mode.by_case.items())),
    ]
    for name, share in rows:
        if share is not None:
            table.add_row(name, *_cells(share))
    reasons = "; ".join(f"{count} x {reason}" for reason, count in mode.reasons.items())
    constant = f"{'yes' if mode.constant else 'no'}"
    if mode.commonest is not None and mode.commonest_share is not None:
        constant += f" ({mode.commonest_share:.0%} say {str(mode.commonest).lower()})"
    table.caption = (
        f"constant: {constant}; missing because: {reasons or '-'}; character: {mode.character or 'not told'}"
    )
    table.caption_justify = "left"
    return table


def _cells(share: "Estimate") -> tuple[str, str, str]:
    interval = f"{share.low:.2f} to {share.high:.2f}" if share.low is not None and share.high is not None else ""
    return ("-" if share.value is None else f"{share.value:.2f}"), interval, str(share.n)


def _cases(results: "Sequence[CaseResult]") -> "Table":
    from rich.text import Text

    from cocoon.cli.terminal_text import printable

    table = _table("cases with another verdict than the label", "case", "mode", "label", "verdict", "why missing")
    for result in results:
        if result.label != result.verdict:
            told = (result.id, result.mode, result.label, result.verdict, result.missing or "")
            table.add_row(*(Text(printable(text)) for text in told))
    return table
