"""Write the dataset card that accompanies every export."""

from collections import Counter
from dataclasses import dataclass, field

import yaml

from cocoon.core.records import Dialogue

WARNING = (
    "The dialogues are about distress: grief, conflict, illness, loneliness and, in some corpora, self-harm. Simulated "
    "users are language models and no patients. Nothing here is advice, and no model trained on it is fit to counsel."
)
# Our licences that the hub knows by an identifier. Any other licence is `other`, with its name beside it.
_HUB = ("cc0-1.0", "cc-by-4.0", "cc-by-nc-4.0", "mit", "apache-2.0", "gpl-2.0")
_SHAREGPT_NOTE = (
    "LLaMA-Factory wants the human to speak first and an answer to every turn: opening words of the supporter stand in "
    "`system`, neighbours of one speaker are joined, a last turn without an answer is left out, and so are dialogues "
    "of which nothing remains ({left_out})."
)

_PREFERENCES = ("dpo", "kto")
_PREFERENCE_NOTE = (
    "Rows are in the conversational form of TRL, without a system text: put the one before them under which your model "
    "will speak. A completion may hold several turns, the user's among them, on which a trainer counts its loss too. "
    "Dialogues without such a preference are left out ({left_out}). `cocoon corpus import {form}` reads the file back."
)


@dataclass
class Exported:
    """What was exported: counts for the card and for the caller."""

    dialogues: int = 0
    turns: int = 0
    with_thought: int = 0
    left_out: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    licences: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, dialogue: Dialogue) -> None:
        """Add a dialogue to the counts."""
        self.dialogues += 1
        self.turns += len(dialogue.turns)
        thoughts = [turn.thought for turn in dialogue.turns if turn.thought]
        self.with_thought += any(thought.analysis or thought.strategy for thought in thoughts)
        self.languages[dialogue.language] += 1
        self.licences[dialogue.source, dialogue.licence] += 1


def card(exported: Exported, form: str, name: str, thoughts: str) -> str:
    """Return the card as Markdown with a YAML head."""
    head = {
        "language": sorted(exported.languages),
        **_licence(sorted({licence or "own" for _, licence in exported.licences})),
        "tags": ["emotional-support", "dialogue", "not-for-all-audiences"],
        "configs": [{"config_name": "default", "data_files": name}],
    }
    lines = [
        f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---",
        "# Emotional support dialogues",
        f"{exported.dialogues} dialogues, {exported.turns} turns; with thoughts: {exported.with_thought} dialogues.",
        "",
        "| source | licence | dialogues |\n| --- | --- | --- |",
        *(
            f"| {_cell(source)} | {_cell(licence or 'own')} | {number} |"
            for (source, licence), number in sorted(exported.licences.items())
        ),
        "",
        f"Form: {form}; thoughts: {thoughts}. Written by `cocoon corpus export`.",
    ]
    if form == "sharegpt":
        lines += ["", _SHAREGPT_NOTE.format(left_out=exported.left_out)]
    if form in _PREFERENCES:
        lines += ["", _PREFERENCE_NOTE.format(left_out=exported.left_out, form=form)]
    else:
        loader = "sharegpt" if form == "sharegpt" else "messages"
        lines += ["", f"The column `cocoon` holds each record whole; `cocoon corpus import {loader}` restores it."]
    return "\n".join([*lines, "", f"**Content warning.** {WARNING}", ""])


def _licence(names: list[str]) -> dict[str, str]:
    """Return the licence in the form that the Hugging Face hub reads."""
    short = names[0].lower().removesuffix(" (repository)")
    if len(names) == 1 and short in _HUB:
        return {"license": short}
    return {"license": "other", "license_name": "; ".join(names)}


def _cell(text: str) -> str:
    """Return the text on one line, without the sign that would end a table cell."""
    return " ".join(text.replace("|", "/").split())
