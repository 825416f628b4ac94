"""Read a table of any columns by a map that the user gives: which column holds the words, the speaker, the dialogue."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from cocoon.core.errors import CocoonError
from cocoon.core.records import Role
from cocoon.corpora.loaders.messages.conversation import CONTENT_KEYS, SPEAKER_KEYS, SPOKEN_ROLES
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_file import shown
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.foreign_values import ROWS, each_value
from cocoon.corpora.reading.layout import Layout, grouped_rows, rows_of

CORPUS = Corpus("table", "any table or conversation file (--map, --roles)", "table file", "not stated", "none")
Target = Literal[
    "content", "role", "user", "supporter", "dialogue", "turns", "thought", "strategy",
    "emotion", "feeling", "scenario", "need",
]  # fmt: skip
TARGETS: tuple[Target, ...] = get_args(Target)
_TARGET_OF: dict[str, Target] = {target: target for target in TARGETS}
LEFT_OUT = "none"
_ABOUT: tuple[Target, ...] = ("emotion", "feeling", "scenario", "need")
# Columns that hold the name of a dialogue in tables at hand, for the advice.
_DIALOGUE_COLUMNS = (
    "dialogue", "dialogue_id", "dialog_id", "conv_id", "conversation_id", "transcript_id", "session_id", "session",
    "id",
)  # fmt: skip
_CONTENT_COLUMNS = (*CONTENT_KEYS, "utterance_text", "message", "words")
_MOST_SPEAKERS = 8
_SPEAKER_COLUMNS = (*SPEAKER_KEYS, "interlocutor", "author", "sender", "type")


@dataclass(frozen=True)
class ColumnMap:
    """Which column of a table holds what. `roles` maps names of speakers to sides, None for those left out."""

    columns: Mapping[Target, str]
    roles: Mapping[str, Role | None] = field(default_factory=dict[str, Role | None])

    @classmethod
    def parse(cls, columns: Sequence[str], roles: Sequence[str] = ()) -> "ColumnMap":
        """Return the map that `content=text,role=speaker` and `therapist=supporter` say.

        Raises CocoonError for what is no such pair, for an unknown name, and where words or speakers are missing.
        """
        pairs = _pairs(columns, "--map", "content=text,role=speaker")
        mapped: dict[Target, str] = {_target(name): column for name, column in pairs.items()}
        known: dict[str, Role | None] = {"user": "user", "supporter": "supporter", LEFT_OUT: None}
        sides: dict[str, Role | None] = {}
        for name, side in _pairs(roles, "--roles", "therapist=supporter,client=user").items():
            if side not in known:
                raise CocoonError(f"--roles {name}={side}: must be user, supporter or none (none leaves a speaker out)")
            sides[name.lower()] = known[side]
        if {"content", "role"} <= set(mapped) and not {"user", "supporter"} & set(mapped):
            return cls(mapped, sides)
        if {"user", "supporter"} <= set(mapped) and not {"content", "role", "turns"} & set(mapped):
            if sides:
                raise CocoonError("--roles has no use where --map names a column for each side; leave it out")
            return cls(mapped)
        raise CocoonError(
            f"--map {','.join(columns)}: name the column of the words and that of the speaker "
            "(content=text,role=speaker), or a column for each side (user=question,supporter=answer)"
        )

    @property
    def side_of(self) -> dict[str, Role | None]:
        """Return the side of every name of a speaker, in lower case."""
        return {**SPOKEN_ROLES, **self.roles}


def _pairs(texts: Sequence[str], option: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in [piece for option_text in texts for piece in option_text.split(",") if piece.strip()]:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise CocoonError(f"{option} {text}: must be pairs such as {example}")
        if name in pairs:
            raise CocoonError(f"{option}: {name!r} is there twice; leave one out")
        pairs[name] = value
    return pairs


def _target(name: str) -> Target:
    target = _TARGET_OF.get(name)
    if target is None:
        close = difflib.get_close_matches(name, TARGETS, n=1)
        near = f"; did you mean {close[0]!r}?" if close else f"; the names are {', '.join(TARGETS)}"
        raise CocoonError(f"--map {name}: is no part of a dialogue{near}")
    return target


def table_layout(column_map: ColumnMap) -> Layout:
    """Return the layout of a table by its map."""
    columns = column_map.columns
    read = partial(_read, column_map=column_map)
    if "turns" in columns or ("user" in columns and "dialogue" not in columns):
        return Layout(CORPUS, read)
    return Layout(CORPUS, read, records=partial(grouped_rows, column=columns.get("dialogue")))


def _read(record: ForeignRecord, draft: Draft, column_map: ColumnMap) -> Iterator[ReadDialogue]:
    columns = column_map.columns
    if "turns" in columns:
        _check_columns(record, [columns["turns"]])
        rows, turns = [record], list(record.objects(columns["turns"]))
    else:
        rows = list(rows_of(record)) if ROWS in record.fields else [record]
        turns = rows
    # What is said of the dialogue is the same in all of its rows, so that it is taken from the first.
    head = [columns[target] for target in (*_ABOUT, "dialogue") if target in columns]
    for row in rows:
        _check_columns(row, head)
        for column in head:
            row.get(column)
    if "dialogue" in columns:
        draft.number_by(_cell(rows[0], columns["dialogue"]))
    for turn in turns:
        _say(draft, turn, column_map)
    about = {target: _cell(rows[0], columns[target]) for target in _ABOUT if target in columns}
    yield draft.read(
        emotion=about.get("emotion", ""),
        feeling=about.get("feeling", ""),
        scenario=about.get("scenario", ""),
        need=about.get("need") or None,
    )


def _say(draft: Draft, turn: ForeignRecord, column_map: ColumnMap) -> None:
    columns = column_map.columns
    used = [column for target, column in columns.items() if target not in ("turns", *_ABOUT, "dialogue")]
    _check_columns(turn, used)
    if "user" in columns:
        draft.say("user", turn.get(columns["user"]), turn.position)
        draft.say("supporter", turn.get(columns["supporter"]), turn.position)
        return
    name = _cell(turn, columns["role"])
    sides = column_map.side_of
    if name.lower() not in sides:
        raise CocoonError(
            f"{turn.where}: {turn.position}: {shown(name)} is not a known speaker; say who it is with "
            f"--roles {name[:30] or 'NAME'}=supporter (or =user, or =none to leave it out)"
        )
    side = sides[name.lower()]
    if side is None:
        draft.note(turn.position, "dropped", "a turn of a speaker that --roles leaves out")
        return
    analysis, strategy = (
        _cell(turn, columns[target]) if target in columns else "" for target in ("thought", "strategy")
    )
    draft.say(side, turn.get(columns["content"]), turn.position, thought_of("", strategy), private=analysis)


def _check_columns(record: ForeignRecord, columns: Sequence[str]) -> None:
    missing = next((column for column in columns if column not in record.fields), None)
    if missing is not None:
        known = [str(column) for column in record.fields if column]
        close = difflib.get_close_matches(missing, known, n=1)
        near = f" Did you mean {close[0]!r}?" if close else f" Its columns are {', '.join(known)}."
        raise CocoonError(f"{record.where}: has no column {missing!r}.{near}")


def _cell(record: ForeignRecord, column: str) -> str:
    value = record.get(column)
    return str(value) if isinstance(value, (int, float)) else record.text(column)


def names_a_dialogue(row: Mapping[str, Any]) -> bool:
    """Return whether a row is a turn that also says of which dialogue it is."""
    return all(_first_of(row, names) for names in (_DIALOGUE_COLUMNS, _CONTENT_COLUMNS, _SPEAKER_COLUMNS))


def mapping_advice(path: Path) -> str:
    """Return the command that reads a table, with the columns and the speakers that it has, as far as they are seen."""
    row: Mapping[str, Any] = {}
    names: dict[str, None] = {}
    speaker = None
    for _, value in each_value(path):
        if isinstance(value, dict):
            row = row or value
            speaker = speaker or _first_of(row, _SPEAKER_COLUMNS)
            names[str(value.get(str(speaker), "")).strip()] = None
        if len(names) > _MOST_SPEAKERS:
            break
    pairs = [
        f"content={_first_of(row, _CONTENT_COLUMNS) or 'COLUMN'}",
        f"role={speaker or 'COLUMN'}",
        *(f"dialogue={column}" for column in [_first_of(row, _DIALOGUE_COLUMNS)] if column),
    ]
    sides = [f"{name}={SPOKEN_ROLES.get(name.lower(), 'user')}" for name in names if name]
    known = speaker is not None and 0 < len(sides) <= _MOST_SPEAKERS
    roles = ",".join(sides) if known else "NAME=supporter,NAME=user"
    return f"cocoon corpus import table {path} --map {','.join(pairs)} --roles {roles} -o dialogues.jsonl"


def _first_of(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    lower = {str(column).lower(): str(column) for column in row}
    return next((lower[name] for name in names if name in lower), None)
