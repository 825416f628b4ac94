"""Writes a script-based dialogue, both roles, and checks, analyses and annotates it (paper 3.2, 3.3, appendix D)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cocoon.agents.protocols import SpokenTurn, transcript
from cocoon.agents.writers.asking import Asked, Asker, object_schema, text_of
from cocoon.core.records import Language, Profile
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Place

Words = dict[str, Any]
"""A turn as plain values: role, content, draft."""

LONGEST = 400
DECISIONS = ("stop", "continue", "repair")
_TEXT = {"type": "string", "maxLength": LONGEST}
_STEPS = ("link", "ways", "comfort")
_ANNOTATED = ("facts", "expectation", "conjecture", "explore", "strategy")
CHECK_SCHEMA = object_schema(
    {
        "understood": {"type": "boolean"},
        "reached": {"type": "boolean"},
        "decision": {"anyOf": [{"type": "string", "enum": list(DECISIONS)}, {"type": "null"}]},
        "note": _TEXT,
    }
)
Reading = Literal["confirm", "advises", "asks"]
READINGS: dict[Reading, str] = {"confirm": "same", "advises": "advice", "asks": "asks"}
"""What the rater reads a candidate of the screen for (the prompt's name), and the key of its true, false or null."""
# Above the turns of any dialogue: the same turn of a piece that was taken back is another call.
_PIECE = 1_000


def listening_schema(rounds: int, begins: bool) -> dict[str, Any]:
    """JSON schema of a piece of the listening stage; `begins`: with the user's answer to the opening."""
    exchange = object_schema({"draft": _TEXT, "statement": _TEXT, "user": _TEXT})
    exchanges = {"type": "array", "items": exchange, "minItems": 1, "maxItems": rounds}
    return object_schema({**({"reply": _TEXT} if begins else {}), "exchanges": exchanges})


def suggestion_schema(rounds: int) -> dict[str, Any]:
    """JSON schema of the suggestion stage."""
    exchange = object_schema({"supporter": _TEXT, "user": _TEXT})
    return object_schema(
        {"exchanges": {"type": "array", "items": exchange, "minItems": 1, "maxItems": rounds}, "closing": _TEXT}
    )


@dataclass(frozen=True)
class Script:
    """One dialogue while it is written: whose, and the turns so far; `attempt` counts pieces and repairs."""

    item: str
    profile: Profile
    turns: Sequence[Words]
    attempt: int = 0

    @property
    def language(self) -> Language:
        return self.profile.language

    def numbered(self) -> str:
        """The turns so far, a turn a line, numbered."""
        return transcript(self._spoken(), self.language, numbered=True)

    def plain(self) -> str:
        """The turns so far, a turn a line."""
        return transcript(self._spoken(), self.language)

    def _spoken(self) -> list[SpokenTurn]:
        return [SpokenTurn(turn["role"], turn["content"]) for turn in self.turns]


@dataclass(frozen=True)
class ScriptWriter:
    """The writer and the rater of scripts; every method raises CallFailedError when its model gives no reply."""

    writer: Asker
    rater: Asker

    async def listen(self, caller: Caller, script: Script, rounds: int, note: str, early: int) -> Asked:
        """The next piece of the listening stage: {"reply" at the beginning, "exchanges"}; ends with the user.

        `early`: how many answers of the user are still to come before the need may be told.
        """
        profile, begins = script.profile, len(script.turns) == 1
        return await self.writer.ask(
            caller,
            Place(script.item, "write_listening", script.attempt),
            "script/listen",
            script.language,
            listening_schema(rounds, begins),
            lambda value: _listening_problem(value, rounds, begins),
            emotion=profile.emotion,
            feeling=profile.feeling,
            need=profile.need,
            memory=[memory.text for memory in profile.memory],
            script=script.plain(),
            rounds=rounds,
            note=note,
            early=early,
            said=not begins,
        )

    async def check(self, caller: Caller, script: Script) -> Asked:
        """Whether the listening stage may end: {"understood", "reached", "decision", "note"}."""
        return await self.rater.ask(
            caller,
            Place(script.item, "check_listening", script.attempt),
            "script/check",
            script.language,
            CHECK_SCHEMA,
            _check_problem,
            feeling=script.profile.feeling,
            need=script.profile.need,
            transcript=script.numbered(),
        )

    async def restate(self, caller: Caller, script: Script, turn: int, every: bool) -> Asked:
        """A turn of the supporter as a statement: {"statement"}."""
        draft = script.turns[turn].get("draft") or script.turns[turn]["content"]
        return await self.writer.ask(
            caller,
            Place(script.item, "restate", script.attempt * _PIECE + turn),
            "script/restate",
            script.language,
            object_schema({"statement": _TEXT}),
            lambda value: _texts_problem(value, ("statement",)),
            before=script.turns[turn - 1]["content"],
            draft=draft,
            every=every,
        )

    async def analyse(self, caller: Caller, script: Script) -> Asked:
        """The three steps before suggestions: {"link", "ways", "comfort"}."""
        return await self.writer.ask(
            caller,
            Place(script.item, "analyse", 0),
            "script/analyse",
            script.language,
            object_schema(dict.fromkeys(_STEPS, _TEXT)),
            lambda value: _texts_problem(value, _STEPS),
            feeling=script.profile.feeling,
            need=script.profile.need,
            transcript=script.plain(),
        )

    async def suggest(self, caller: Caller, script: Script, analysis: Words, rounds: int) -> Asked:
        """The suggestion stage: {"exchanges", "closing"}."""
        profile = script.profile
        return await self.writer.ask(
            caller,
            Place(script.item, "write_suggestion", 0),
            "script/suggest",
            script.language,
            suggestion_schema(rounds),
            lambda value: _suggestion_problem(value, rounds),
            emotion=profile.emotion,
            feeling=profile.feeling,
            need=profile.need,
            transcript=script.plain(),
            rounds=rounds,
            **{step: text_of(analysis, step) for step in _STEPS},
        )

    async def reads(self, caller: Caller, script: Script, number: int, reading: Reading, words: Words) -> Asked:
        """Whether the rater finds in a candidate what it is read for: true, false or null under `READINGS[reading]`.

        `words` are the prompt's; `number` counts the candidates of the dialogue.
        """
        key = READINGS[reading]
        return await self.rater.ask(
            caller,
            Place(script.item, "confirm", number),
            f"script/{reading}",
            script.language,
            object_schema({key: {"anyOf": [{"type": "boolean"}, {"type": "null"}]}}),
            lambda value: _boolean_problem(value, key),
            **words,
        )

    async def annotate(self, caller: Caller, script: Script, turn: int) -> Asked:
        """What stood behind a supporter's turn: facts, expectation, conjecture, what to explore, strategy."""
        before = Script(script.item, script.profile, script.turns[:turn])
        return await self.rater.ask(
            caller,
            Place(script.item, "annotate", turn),
            "script/annotate",
            script.language,
            object_schema(dict.fromkeys(_ANNOTATED, _TEXT)),
            lambda value: _texts_problem(value, _ANNOTATED),
            transcript=before.plain(),
            reply=script.turns[turn]["content"],
        )


def analysis_text(value: Words, language: Language) -> str:
    """An annotation's four parts as one text, as it stands in `Thought.analysis`."""
    parts = [text_of(value, key).rstrip("。.；;") for key in _ANNOTATED[:-1]]
    return "；".join(parts) + "。" if language == "zh" else "; ".join(parts) + "."


def _texts_problem(value: Words, keys: Sequence[str]) -> str | None:
    empty = next((key for key in keys if not text_of(value, key)), None)
    return f"key {empty!r}: a text is needed" if empty else None


def _listening_problem(value: Words, rounds: int, begins: bool) -> str | None:
    if begins and not text_of(value, "reply"):
        return "key 'reply': a text is needed"
    return _exchanges_problem(value, rounds, ("draft", "statement", "user"))


def _suggestion_problem(value: Words, rounds: int) -> str | None:
    return _exchanges_problem(value, rounds, ("supporter", "user")) or _texts_problem(value, ("closing",))


def _exchanges_problem(value: Words, rounds: int, keys: Sequence[str]) -> str | None:
    found = value.get("exchanges")
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        return "key 'exchanges': must be a list of objects"
    if len(found) > 2 * rounds:
        return f"key 'exchanges': {rounds} are asked for, {len(found)} were given"
    problems = (_texts_problem(one, keys) for one in found)
    return next((f"exchange {number}: {what}" for number, what in enumerate(problems, 1) if what), None)


def _check_problem(value: Words) -> str | None:
    for key in ("understood", "reached"):
        if not isinstance(value.get(key), bool):
            return f"key {key!r}: must be true or false"
    if value.get("decision", "absent") not in (None, *DECISIONS):
        return f"key 'decision': must be one of {', '.join(DECISIONS)}, or null"
    return None


def _boolean_problem(value: Words, key: str) -> str | None:
    found = value.get(key, "absent")
    return None if found is None or isinstance(found, bool) else f"key {key!r}: must be true, false or null"
