"""`cocoon questions`: how much each side asks, by type, in any dialogues file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cocoon.cli.terminal.options import Json, SkipUnreadable
from cocoon.cli.terminal.results import print_json
from cocoon.core.records import Language, Role

if TYPE_CHECKING:
    from cocoon.evaluation.questions.records import QuestionStats
    from cocoon.evaluation.replies import ReplyCounts


def questions_command(
    file: Annotated[Path, typer.Argument(help="A file of dialogues in a known form, or a run folder.")],
    role: Annotated[Role | None, typer.Option(help="Only this side (default: both).")] = None,
    language: Annotated[Language | None, typer.Option(help="Language of the text (default: detected).")] = None,
    sentences: Annotated[bool, typer.Option("--sentences", help="List every question, with its place.")] = False,
    skip_unreadable: SkipUnreadable = False,
    as_json: Json = False,
) -> None:
    """Print question ratio and probing ratio: turns that ask, by question or by request to tell, among all turns.

    A fixed opening does not count.
    """
    from cocoon.cli.terminal.terminal_text import printable
    from cocoon.reports.questions import question_report

    report = question_report(file, role, language, skip_unreadable=skip_unreadable)
    for remark in report.remarks:
        typer.echo(printable(remark), err=True)
    if as_json:
        print_json(report.to_json(sentences=sentences))
        return
    for line in [f"{report.dialogues} dialogues in {file}", *_table(report.roles, report.replies)]:
        typer.echo(line)
    for question in report.sentences if sentences else []:
        typer.echo(
            f"{question.dialogue}\t{question.turn}\t{question.role}\t{question.type}\t{printable(question.text)}"
        )


def _table(stats: "dict[Role, QuestionStats]", replies: "dict[Role, ReplyCounts]") -> list[str]:
    lines = []
    for role, counts in stats.items():
        lines += [
            f"{role}: question ratio {_percent(counts.ratio)} ({counts.asking_turns} of {counts.turns} turns)",
            f"    probing ratio {_percent(counts.probing_ratio)} ({counts.probing_turns} of {counts.turns} turns)",
            f"    sentences that ask {_percent(counts.sentence_share)}; turns with ? {_percent(counts.mark_share)}",
            "    " + ", ".join(f"{kind} {count}" for kind, count in counts.types.items()),
        ]
        lines += _oddities(replies[role])
    return lines


def _oddities(counts: "ReplyCounts") -> list[str]:
    oddities = {
        "were cut by the server before their end": counts.cut,
        "had text that is not their speaker's own, which was cut off": counts.foreign,
        "came with a thought, which is not counted": counts.thoughts,
    }
    return [f"    {_percent(count / counts.turns)} of these turns {what}" for what, count in oddities.items() if count]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"
