"""`cocoon questions`: how much each side asks, by type, in any dialogues file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cocoon.cli.terminal.options import Json

if TYPE_CHECKING:
    from cocoon.cli.reports.question_file import Spoken
    from cocoon.core.records import Role
    from cocoon.evaluation.questions.records import QuestionStats
    from cocoon.evaluation.replies import ReplyCounts


RoleChoice = Literal["user", "supporter"]
LanguageChoice = Literal["zh", "en"]


def questions(
    file: Annotated[Path, typer.Argument(help="Dialogues (.jsonl, .json), lists of {role, content}, or a run folder.")],
    role: Annotated[RoleChoice | None, typer.Option(help="Only this side (default: both).")] = None,
    language: Annotated[LanguageChoice | None, typer.Option(help="Language of the text (default: detected).")] = None,
    sentences: Annotated[bool, typer.Option("--sentences", help="List every question, with its place.")] = False,
    as_json: Json = False,
) -> None:
    """Print the question ratio: turns with a genuine question / turns (a fixed opening does not count)."""
    import json

    from cocoon.cli.reports.question_file import read_dialogues
    from cocoon.cli.terminal.terminal_text import printable

    dialogues = list(read_dialogues(file, language))
    roles: list[Role] = [role] if role else ["supporter", "user"]
    stats: dict[Role, QuestionStats] = {one: _stats(dialogues, one) for one in roles}
    replies: dict[Role, ReplyCounts] = {one: _replies(dialogues, one) for one in roles}
    listed = [row for dialogue in dialogues for row in _listed(dialogue, roles)] if sentences else []
    if as_json:
        typer.echo(
            json.dumps(_as_json(stats, replies, listed if sentences else None, len(dialogues)), ensure_ascii=False)
        )
        return
    for line in [f"{len(dialogues)} dialogues in {file}", *_table(stats, replies)]:
        typer.echo(line)
    for row in listed:
        typer.echo(f"{row['dialogue']}\t{row['turn']}\t{row['role']}\t{row['type']}\t{printable(row['text'])}")


def _stats(dialogues: "list[Spoken]", role: "Role") -> "QuestionStats":
    from cocoon.evaluation.questions.detection import pooled, question_ratio

    return pooled(question_ratio(one.turns, one.language, role) for one in dialogues)


def _replies(dialogues: "list[Spoken]", role: "Role") -> "ReplyCounts":
    from cocoon.evaluation.replies import count_replies, pooled_counts

    return pooled_counts(count_replies(one.turns, role) for one in dialogues)


def _listed(dialogue: "Spoken", roles: "list[Role]") -> list[dict[str, Any]]:
    """Questions of all types in the turns that count; `turn` is the index into the dialogue."""
    from cocoon.evaluation.questions.detection import counted_turns, questions

    counted = {id(turn) for role in roles for turn in counted_turns(dialogue.turns, role)}
    return [
        {"dialogue": dialogue.id, "turn": number, "role": turn.role, "type": one.type, "text": one.text}
        for number, turn in enumerate(dialogue.turns)
        if id(turn) in counted
        for one in questions(turn.content, dialogue.language)
        if one.type != "none"
    ]


def _as_json(
    stats: "dict[Role, QuestionStats]",
    replies: "dict[Role, ReplyCounts]",
    listed: list[dict[str, Any]] | None,
    dialogues: int,
) -> dict[str, Any]:
    """`ratio` is that of the first role: the supporter's, unless another was asked for."""
    first, ratio = next((role, one.ratio) for role, one in stats.items())
    made: dict[str, Any] = {"ratio": ratio, "role": first, "dialogues": dialogues}
    made["roles"] = {role: {**one.model_dump(), "cut_turns": replies[role].cut} for role, one in stats.items()}
    return made if listed is None else {**made, "sentences": listed}


def _table(stats: "dict[Role, QuestionStats]", replies: "dict[Role, ReplyCounts]") -> list[str]:
    lines = []
    for role, one in stats.items():
        lines += [
            f"{role}: question ratio {_percent(one.ratio)} ({one.asking_turns} of {one.turns} turns)",
            f"    sentences that ask {_percent(one.sentence_share)}; turns with ? {_percent(one.mark_share)}",
            "    " + ", ".join(f"{kind} {count}" for kind, count in one.types.items()),
        ]
        if replies[role].cut:
            share = _percent(replies[role].cut / replies[role].turns)
            lines.append(f"    {share} of these turns were cut by the server before their end")
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"
