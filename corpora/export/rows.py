"""Write the row of an exported dialogue: chat messages with the complete record beside them, or ShareGPT turns."""

from collections.abc import Iterator, Sequence
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
        "messages": _messages(dialogue.turns, thoughts),
        "language": dialogue.language,
        "source": dialogue.source,
        "licence": dialogue.licence,
        COLUMN: dialogue.model_dump_json(),
    }


def _messages(turns: Sequence[Turn], thoughts: Thoughts) -> list[dict[str, str]]:
    return [{"role": _ROLES[turn.role], "content": exported_text(turn, thoughts)} for turn in turns]


def dpo_rows(dialogue: Dialogue, thoughts: Thoughts) -> Iterator[dict[str, Any]]:
    """Yield the row of a pair in the form that TRL's DPO reads, nothing for a dialogue that is no pair."""
    preference = dialogue.preference
    if preference is None or not preference.rejected or preference.first >= len(dialogue.turns):
        return
    yield {
        "id": dialogue.id,
        "prompt": _messages(dialogue.turns[: preference.first], thoughts),
        "chosen": _messages(dialogue.turns[preference.first :], thoughts),
        "rejected": _messages(preference.rejected, thoughts),
        "language": dialogue.language,
    }


def kto_rows(dialogue: Dialogue, thoughts: Thoughts) -> Iterator[dict[str, Any]]:
    """Yield a row for what was preferred and one for what was rejected, in the form that TRL's KTO reads."""
    preference = dialogue.preference
    if preference is None:
        return
    prompt = _messages(dialogue.turns[: preference.first], thoughts)
    for turns, label in ((dialogue.turns[preference.first :], True), (preference.rejected, False)):
        if turns:
            completion = _messages(turns, thoughts)
            row = {"id": dialogue.id, "prompt": prompt, "completion": completion, "label": label}
            yield row | {"language": dialogue.language}


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
