"""Write the row of an exported dialogue: chat messages with the complete record beside them, or ShareGPT turns."""

from typing import Any, Literal

from cocoon.core.records import Dialogue, Turn
from cocoon.core.strategy_tags import with_thought

Thoughts = Literal["none", "inline"]
COLUMN = "cocoon"
_ROLES = {"user": "user", "supporter": "assistant"}
_SHAREGPT = {"user": "human", "supporter": "gpt"}


def exported_text(turn: Turn, thoughts: Thoughts) -> str:
    """Return the text of a turn as it is exported.

    With `inline` thoughts, a supporter's analysis and strategy stand before the text.
    """
    if thoughts == "none" or turn.role != "supporter":
        return turn.content
    return with_thought(turn.content, turn.thought)


def messages_row(dialogue: Dialogue, thoughts: Thoughts) -> dict[str, Any]:
    """Return a row in the `messages` form.

    `cocoon` holds the complete record as JSON text, so that nothing is lost.
    """
    return {
        "id": dialogue.id,
        "messages": [{"role": _ROLES[turn.role], "content": exported_text(turn, thoughts)} for turn in dialogue.turns],
        "language": dialogue.language,
        "source": dialogue.source,
        "licence": dialogue.licence,
        COLUMN: dialogue.model_dump_json(),
    }


def sharegpt_row(dialogue: Dialogue, thoughts: Thoughts) -> dict[str, Any]:
    """Return a row in ShareGPT's form, as LLaMA-Factory reads it.

    LLaMA-Factory wants the human to begin and an even number of turns. Opening words of the supporter therefore go into
    the system text, neighbouring turns of one speaker are joined, and a last turn without an answer is left out.
    `cocoon` holds the complete record, as in `messages_row`, and LLaMA-Factory ignores it.
    """
    turns: list[dict[str, str]] = []
    opening: list[str] = []
    for turn in dialogue.turns:
        speaker, text = _SHAREGPT[turn.role], exported_text(turn, thoughts)
        if not turns and speaker == "gpt":
            opening.append(text)
        elif turns and turns[-1]["from"] == speaker:
            turns[-1]["value"] += f"\n{text}"
        else:
            turns.append({"from": speaker, "value": text})
    if len(turns) % 2:
        turns.pop()
    system = "\n".join(opening)
    return {"id": dialogue.id, "conversations": turns, "system": system, COLUMN: dialogue.model_dump_json()}
