"""How much each side of some dialogues asks, by type of question, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon.core.records import Dialogue, Language, Record, Role
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.questions.detection import counted_turns, pooled, question_ratio, questions
from cocoon.evaluation.questions.records import QuestionStats, QuestionType
from cocoon.evaluation.replies import ReplyCounts, count_replies, pooled_counts


class LocatedQuestion(Record):
    """One sentence that asks. `turn` is its index in the dialogue."""

    dialogue: str
    turn: int
    role: Role
    type: QuestionType
    text: str


@dataclass
class QuestionReport:
    """The questions of some dialogues: shares by role, and every sentence that asks.

    `remarks` says what the file was taken for, which keys nobody read and which records were left out. `left_out`
    counts the latter by reason.
    """

    dialogues: int
    roles: dict[Role, QuestionStats]
    replies: dict[Role, ReplyCounts]
    sentences: list[LocatedQuestion] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    def to_json(self, *, sentences: bool = False) -> dict[str, Any]:
        """Return the report as plain values, with every sentence if wanted.

        `ratio` and `probing_ratio` are those of the first role: the supporter, unless only the user was counted.
        """
        role, stats = next(iter(self.roles.items()))
        plain: dict[str, Any] = {"ratio": stats.ratio, "probing_ratio": stats.probing_ratio, "role": role}
        plain["dialogues"] = self.dialogues
        plain["left_out"] = self.left_out
        plain["roles"] = {
            name: {
                **counts.model_dump(),
                "cut_turns": self.replies[name].cut,
                "turns_with_foreign_text": self.replies[name].foreign,
                "turns_with_a_thought": self.replies[name].thoughts,
            }
            for name, counts in self.roles.items()
        }
        if sentences:
            plain["sentences"] = [sentence.model_dump() for sentence in self.sentences]
        return plain


def question_report(
    path: Path, role: Role | None = None, language: Language | None = None, *, skip_unreadable: bool = False
) -> QuestionReport:
    """Return the questions in a file of dialogues of any form that says what it is, or in a run folder.

    The file is read as `cocoon corpus import table` reads it. `role` counts one side only, and `language` None is found
    out from the text. Raises CocoonError naming the file, the line and the key of what cannot be read, unless such
    records are to be left out.
    """
    reading = read_corpus("table", path, skip_unreadable=skip_unreadable)
    dialogues = list(reading.dialogues)
    if language is not None:
        dialogues = [dialogue.model_copy(update={"language": language}) for dialogue in dialogues]
    roles: list[Role] = [role] if role else ["supporter", "user"]
    stats: dict[Role, QuestionStats] = {
        name: pooled(question_ratio(dialogue.turns, dialogue.language, name) for dialogue in dialogues)
        for name in roles
    }
    replies: dict[Role, ReplyCounts] = {
        name: pooled_counts(count_replies(dialogue.turns, name) for dialogue in dialogues) for name in roles
    }
    located = [question for dialogue in dialogues for question in _located(dialogue, roles)]
    report = reading.report
    return QuestionReport(len(dialogues), stats, replies, located, report.remarks(), report.left_out)


def _located(dialogue: Dialogue, roles: Sequence[Role]) -> list[LocatedQuestion]:
    """Return the questions of all types in the turns that count."""
    counted = {id(turn) for role in roles for turn in counted_turns(dialogue.turns, role)}
    return [
        LocatedQuestion(dialogue=dialogue.id, turn=number, role=turn.role, type=sentence.type, text=sentence.text)
        for number, turn in enumerate(dialogue.turns)
        if id(turn) in counted
        for sentence in questions(turn.content, dialogue.language)
        if sentence.type != "none"
    ]
