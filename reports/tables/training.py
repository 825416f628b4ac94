"""Preview a training before it starts: one example with its trained parts marked, and counts of all rows."""

from typing import Any

from cocoon.agents.users.guarded import PROMPT as USER_PROMPT
from cocoon.reports.tables.records import Cell, Report, Row, Table
from cocoon.training.data.labels import IGNORED, Encoded
from cocoon.training.data.rows import REASONS, Rows
from cocoon.training.fit.sft import Prepared

MARKS = ("⟦", "⟧")


def marked(tokenizer: Any, row: Encoded) -> str:
    """Return the row's text with each trained stretch between ⟦ and ⟧, control tokens included."""
    parts: list[str] = []
    start = 0
    for index in range(1, len(row.labels) + 1):
        if index < len(row.labels) and _trained(row, index) == _trained(row, start):
            continue
        text = tokenizer.decode(row.input_ids[start:index], skip_special_tokens=False)
        parts.append(f"{MARKS[0]}{text}{MARKS[1]}" if _trained(row, start) else text)
        start = index
    return "".join(parts)


def _trained(row: Encoded, index: int) -> bool:
    return row.labels[index] != IGNORED


def counts_report(ready: Prepared) -> Report:
    """Return a report of the rows read, kept, cut and dropped, and of the tokens trained."""
    corpus = ready.corpus
    sides = [("train", ready.train), ("validation", ready.validation)]
    facts = [
        ("Base", ready.weights.name),
        ("Thoughts", thoughts_told(ready)),
        ("Role", ready.config.data.role),
        ("System prompt", _prompts_told(ready)),
        ("System role", "yes" if ready.weights.template.system_role else "none: the user says the system text"),
        ("Longest row", f"{ready.encoder.max_length} tokens"),
        *([("Drawn", f"at most {corpus.drawn}, seed {ready.config.seed}")] if corpus.drawn is not None else []),
    ]
    return Report(title="Training data", facts=facts, tables=[_sides_table(sides), _dialogues_table(ready)])


def _prompts_told(ready: Prepared) -> str:
    data = ready.config.data
    names = {"supporter": [f"supporter/{data.prompt}"], "user": [USER_PROMPT]}
    return ", ".join(names.get(data.role, [*names["supporter"], *names["user"]]))


def thoughts_told(ready: Prepared) -> str:
    """Return whether thoughts are trained, and how many dialogues have any."""
    sides = (ready.train, ready.validation)
    thinking, encoded = sum(side.thinking for side in sides), sum(side.dialogues for side in sides)
    return f"{ready.config.data.thoughts} ({thinking} of {encoded} dialogues have any)"


def _sides_table(sides: list[tuple[str, Rows]]) -> Table:
    measures = ["Dialogues", "Profiles", "Replies", "Tokens", "Trained", "Share trained", "Cut", "Turns cut"]
    rows = []
    for name, side in sides:
        share = side.trained / side.tokens if side.tokens else None
        values: list[Cell] = [
            side.dialogues,
            len(side.people),
            side.turns,
            side.tokens,
            side.trained,
            share,
            side.cut,
            side.turns_cut,
        ]
        rows.append(Row(labels=[name], cells=dict(zip(measures, values, strict=True))))
    return Table(id="sides", title="What is trained", keys=["Side"], measures=measures, rows=rows)


def _dialogues_table(ready: Prepared) -> Table:
    corpus = ready.corpus
    encoded = ready.train.dialogues + ready.validation.dialogues
    dropped = corpus.dropped + ready.train.dropped + ready.validation.dropped
    left_out = ready.train.left_out + ready.validation.left_out
    rows = [
        ("read", corpus.read),
        ("kept", encoded),
        *((f"dropped: {REASONS[name]}", dropped[name]) for name in sorted(dropped)),
        *((f"kept without a reply: {REASONS[name]}", left_out[name]) for name in sorted(left_out)),
    ]
    return Table(
        id="rows",
        title="Dialogues",
        keys=["Dialogues"],
        measures=["Number"],
        rows=[Row(labels=[name], cells={"Number": number}) for name, number in rows],
    )
