"""Read a record that holds a conversation in any common form: messages, ShareGPT, prompt and completion, alpaca.

What is marked as rejected (KTO, DPO) is no speech of the conversation and is kept apart as preference data.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Preference, Role, Turn
from cocoon.corpora.reading.dialogue_draft import Draft
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_list, objects

TURN_LISTS = ("messages", "conversations", "conversation", "turns", "dialog", "dialogue")
SPEAKER_KEYS, CONTENT_KEYS = ("role", "from", "speaker"), ("content", "value", "text", "utterance")
SPOKEN_ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "usr", "client", "seeker", "patient", "speaker"), "user"),
    **dict.fromkeys(("来访者", "求助者", "倾诉者", "用户"), "user"),
    **dict.fromkeys(("supporter", "assistant", "gpt", "chatgpt", "model", "bot", "sys"), "supporter"),
    **dict.fromkeys(("counselor", "counsellor", "therapist", "listener", "helper"), "supporter"),
    **dict.fromkeys(("心理咨询师", "咨询师", "支持者", "倾听者"), "supporter"),
}
KTO_NAME = "kto"
_LABELS = ("label", "kto_tag")
_PREFERENCES = ("chosen", "rejected")
_SWIFT_REJECTED = "rejected_response"
_WORDS_FOR: Mapping[object, bool] = {"true": True, "1": True, "false": False, "0": False}
_LABELLED_TEXT = re.compile(r"(?:^|\n\n)(Human|Assistant):\s?")


def has_conversation(record: Mapping[str, Any]) -> bool:
    """Return whether a record has the turns of a conversation under one of the common keys."""
    return any(isinstance(record.get(key), list) for key in TURN_LISTS)


def is_kto(record: Mapping[str, Any]) -> bool:
    """Return whether a record is a reply that somebody found good or bad (KTO)."""
    marked = any(isinstance(record.get(key), bool) for key in _LABELS)
    return (marked and has_conversation(record)) or ("completion" in record and any(key in record for key in _LABELS))


def is_dpo(record: Mapping[str, Any]) -> bool:
    """Return whether a record is a reply that somebody preferred to another one (DPO)."""
    return all(key in record for key in _PREFERENCES) or _SWIFT_REJECTED in record


def is_alpaca(record: Mapping[str, Any]) -> bool:
    """Return whether a record is an instruction with its output, and perhaps a history (alpaca)."""
    return "instruction" in record and "output" in record


def say_conversation(record: ForeignRecord, draft: Draft) -> None:
    """Read all turns of a record into a draft. Raises CocoonError where the record has none of the common forms."""
    fields = record.fields
    draft.declare_language(record.get("language"))
    if isinstance(record.get("system"), str):
        draft.keep_system(record.text("system"), "key 'system'")
    key = next((name for name in TURN_LISTS if name in fields), None)
    if key is not None:
        say_messages(draft, objects(a_list(record.get(key), record.where, f"key {key!r}"), record.where, "message"))
    elif "prompt" in fields:
        draft.turns += _side(record, "prompt", draft, "user")
    elif "instruction" in fields:
        _say_alpaca(record, draft)
    elif not is_dpo(fields):
        known = ", ".join((*TURN_LISTS, "prompt", "instruction"))
        raise CocoonError(f"{record.where}: the record: has no turns; they stand under one of {known}")
    first = len(draft.turns) if "completion" in fields else None
    if first is not None:
        draft.turns += _side(record, "completion", draft, "supporter")
    if is_dpo(fields):
        _say_preferred(record, draft)
    else:
        _set_rejected_apart(record, draft, first)


def say_messages(draft: Draft, turns: Iterable[ForeignRecord]) -> None:
    """Add turns, each of which names its speaker and its words under one of the common keys."""
    for turn in turns:
        speaker = next((key for key in SPEAKER_KEYS if key in turn.fields), SPEAKER_KEYS[0])
        content = next((key for key in CONTENT_KEYS if key in turn.fields), CONTENT_KEYS[0])
        draft.say_all([turn], speaker, content, SPOKEN_ROLES)


def _say_alpaca(record: ForeignRecord, draft: Draft) -> None:
    history = record.get("history")
    for number, pair in enumerate([] if history is None else a_list(history, record.where, "key 'history'"), 1):
        exchange = a_list(pair, record.where, f"history {number}")
        if len(exchange) != 2:
            raise CocoonError(f"{record.where}: history {number}: must be a question and its answer")
        draft.say("user", exchange[0], f"history {number}")
        draft.say("supporter", exchange[1], f"history {number}")
    question = "\n".join(filter(None, (record.text("instruction"), record.text("input"))))
    draft.say("user", question, "key 'instruction'")
    if "output" in record.fields:
        draft.say("supporter", record.get("output"), "key 'output'")


def _side(record: ForeignRecord, key: str, draft: Draft, role: Role) -> list[Turn]:
    """Return the turns under a key: a text of one role, one message, a list of them, or a text with `Human:` in it."""
    value = record.get(key)
    # The turns are read as those of a draft of their own, whose notes and facts are those of the whole record.
    side = Draft(draft.corpus, draft.where, draft.id, draft.number, notes=draft.notes, facts=draft.facts)
    if isinstance(value, str) and _LABELLED_TEXT.match(value):
        pieces = _LABELLED_TEXT.split(value)[1:]
        for number, (name, text) in enumerate(zip(pieces[::2], pieces[1::2], strict=True), 1):
            side.say("user" if name == "Human" else "supporter", text, f"key {key!r}, turn {number}")
    elif isinstance(value, dict) or (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
        messages = [value] if isinstance(value, dict) else value
        say_messages(side, objects(messages, record.where, f"{key} message"))
    elif value is not None:
        side.say(role, value, f"key {key!r}")
    return side.turns


def _say_preferred(record: ForeignRecord, draft: Draft) -> None:
    """Add the preferred reply, and keep the other one apart. Both may repeat the turns before them."""
    if _SWIFT_REJECTED in record.fields:
        first = _last_reply(draft.turns)
        chosen, draft.turns = draft.turns[first:], draft.turns[:first]
        rejected = _side(record, _SWIFT_REJECTED, draft, "supporter")
    else:
        chosen, rejected = (
            _after(draft.turns, _side(record, key, draft, "supporter")) for key in _PREFERENCES
        )  # fmt: skip
    while chosen and rejected and _same(chosen[:1], rejected[:1]):
        draft.turns.append(chosen.pop(0))
        rejected.pop(0)
    if chosen or rejected:
        draft.preference = Preference(first=len(draft.turns), rejected=rejected)
        draft.turns += chosen
    if rejected:
        draft.note("rejected", "kept_apart", "a rejected reply is kept as preference data, not as speech")


def _set_rejected_apart(record: ForeignRecord, draft: Draft, first: int | None) -> None:
    """Set a reply apart that is marked as bad: the completion from the index `first` on, else the last reply."""
    key = next((name for name in _LABELS if name in record.fields), None)
    if key is None:
        return
    value = record.get(key)
    word = None if isinstance(value, bool) else _WORDS_FOR.get(str(value).lower())
    sure = first is not None or draft.corpus.name == KTO_NAME
    label = value if isinstance(value, bool) else word if sure else None
    if label is None:
        # A label of another kind, such as a class, says nothing about the reply.
        if word is not None:
            draft.note(
                key, "relabelled", f"{value!r} became a fact; if it marks good and bad replies, import it as kto"
            )
        draft.facts[key] = value if isinstance(value, (str, int, float)) else None
        return
    first = _last_reply(draft.turns) if first is None else first
    if label:
        draft.preference = Preference(first=first)
    else:
        draft.preference = Preference(first=first, rejected=draft.turns[first:])
        draft.turns = draft.turns[:first]
        draft.note(key, "kept_apart", "a rejected reply is kept as preference data, not as speech")


def _last_reply(turns: list[Turn]) -> int:
    """Return the index at which the supporter's last reply begins, the number of turns where there is none."""
    last = max((number for number, turn in enumerate(turns) if turn.role == "supporter"), default=len(turns))
    while 0 < last < len(turns) and turns[last - 1].role == "supporter":
        last -= 1
    return last


def _after(turns: list[Turn], side: list[Turn]) -> list[Turn]:
    return side[len(turns) :] if _same(turns, side[: len(turns)]) else side


def _same(first: list[Turn], second: list[Turn]) -> bool:
    return [(turn.role, turn.content) for turn in first] == [(turn.role, turn.content) for turn in second]
