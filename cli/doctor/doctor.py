"""`cocoon doctor`: what works here, and what a model or its endpoint can do."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cocoon.cli.terminal.options import Json, refuse_unused
from cocoon.cli.terminal.results import print_json
from cocoon.core.records import Language

if TYPE_CHECKING:
    from cocoon.models.probe import Finding

MARKS = {True: "yes", False: "no", None: "?"}


def doctor(
    model: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Try a model: openai:NAME, http://HOST/v1#NAME, local:NAME.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Test a model as a judge of success, on labelled transcripts.")
    ] = None,
    language: Annotated[Language | None, typer.Option(help="With --judge: one language only.")] = None,
    number: Annotated[int | None, typer.Option("-n", min=1, help="With --judge: so many transcripts.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --judge: keep the replies here, to go on or look at.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With --judge: list the transcripts judged wrong.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="With --model or --judge: seconds for each call (default: 60).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look round: versions, extras, the embedded model, the cache; with --model or --judge, what that model can do."""
    import asyncio

    from cocoon.api.progress import Watcher
    from cocoon.api.reporter import say

    if judge is None:
        given = {"--language": language, "-n": number, "--out": out, "--verbose": verbose}
        refuse_unused(given, (), "without --judge SPEC")
        refuse_unused({"--timeout": model is None and timeout}, (), "without --model or --judge")
    refuse_unused({"--verbose": as_json and verbose}, (), "with --json, which holds every transcript")
    seconds = 60.0 if timeout is None else timeout
    from cocoon.running.environment import findings_of, look_round

    environment = look_round()
    results: dict[str, Any] = {"environment": environment.model_dump()}
    if not as_json:
        _print_findings("environment", findings_of(environment))
    answers = True
    if model is not None:
        from cocoon.running.checks.model_test import examine_model

        test = asyncio.run(examine_model(model, seconds, say))
        answers = test.answers
        results["model"] = test.model_dump()
        if not as_json:
            _print_findings(model, test.findings)
    if judge is not None:
        from cocoon.cli.doctor.judge import print_judge_test
        from cocoon.running.checks.judge_test import examine_named_judge

        judged = asyncio.run(examine_named_judge(judge, language, number, out, seconds, say, Watcher()))
        answers = answers and any(result.success is not None for result in judged.results)
        results["judge"] = judged.model_dump(mode="json")
        if not as_json:
            print_judge_test(judged, verbose=verbose)
    if as_json:
        print_json(results, indent=2)
    if not answers:
        raise typer.Exit(1)


def _print_findings(title: str, findings: "Sequence[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    table = Table(title=Text(printable(title)), title_justify="left", show_header=False, show_edge=False, box=None)
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in findings:
        mark = MARKS[finding.found]
        style = {"no": "yellow", "?": "magenta"}.get(mark, "green")
        table.add_row(Text(finding.name), Text(mark, style=style), Text(printable(finding.detail)))
    Console().print(table)
