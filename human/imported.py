"""Ratings that people gave in another program: CSV, Argilla's JSON, Potato. They become the people of a run.

Whatever the program, a rating is a dialogue, a rater, a question and a value. A question names an item of a scale as
`comfort:1`, or a whole dimension as `comfort.affective_improvement`. A map gives the names that the file has instead.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.scales.scoring import Scale, score
from cocoon.human.results import PROMPT
from cocoon.reports.tables.judging.people import HUMAN
from cocoon.running.folder import PEOPLE, existing_run, read_run
from cocoon.running.reading.scales import scales_of

_HEADS = ("dialogue", "rater")
_LONG = ("scale", "item", "value")


@dataclass(frozen=True)
class GivenValue:
    """One answer as it stands in a file. `where` is said in errors."""

    where: str
    dialogue: str
    rater: str
    question: str
    value: object


def import_ratings(
    run: Path, files: Sequence[Path], names: Mapping[str, str] | None = None, scale_files: Sequence[Path] = ()
) -> int:
    """Put ratings by people beside a run, into people.jsonl, and return how many ratings are new.

    `names` maps `dialogue`, `rater`, `scale`, `item`, `value` and questions such as `comfort:1` to the names that the
    files have. Nothing is taken unless everything can be read, and no rating changes one that is there. Raises
    CocoonError naming the file, the line and what is wrong.
    """
    scales = scales_of([existing_run(run)], scale_files)
    dialogues = {dialogue.id: dialogue for dialogue in read_run(run, "dialogues.jsonl", Dialogue)}
    values = [value for file in files for value in read_values(file, names or {})]
    there = list(read_run(run, PEOPLE, Rating))
    by_key = {_key(rating): rating for rating in there}
    new = []
    for rating in _ratings(values, {given: own for own, given in (names or {}).items()}, dialogues, scales):
        if by_key.get(_key(rating), rating) != rating:
            raise CocoonError(
                f"{rating.judge.removeprefix(HUMAN)} has rated {rating.dialogue} on {rating.scale} differently before; "
                f"nothing was taken. Delete {run / PEOPLE} to begin again."
            )
        new += [rating] if _key(rating) not in by_key else []
    write_whole(run / PEOPLE, map(dump_line, [*there, *new]))
    return len(new)


def read_names(text: str) -> dict[str, str]:
    """Return a map written as `dialogue=COLUMN,rater=COLUMN,comfort:1=COLUMN`."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    for name, equals, column in pairs:
        if not (name.strip() and equals and column.strip()):
            raise CocoonError(f"--map {name!r}: write NAME=COLUMN, such as dialogue=id,rater=user,comfort:1=q1.")
    return {name.strip(): column.strip() for name, _, column in pairs}


def read_values(file: Path, names: Mapping[str, str]) -> list[GivenValue]:
    """Return the answers of a file or folder: CSV, JSON or JSONL of Argilla or Potato, a project folder of Potato."""
    if file.is_dir():
        states = sorted(file.glob("**/user_state.json"))
        if not states:
            raise CocoonError(f"{file}: holds no user_state.json. Give the folder in which Potato keeps its answers.")
        return [value for state in states for value in _potato_state(str(state), _json(state))]
    if file.suffix.lower() == ".csv":
        return list(_csv(file, names))
    records = _records(file)
    return [value for number, record in enumerate(records, 1) for value in _record(f"{file}, record {number}", record)]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CocoonError(f"{file}: cannot be read as UTF-8 text ({type(error).__name__}).") from None


def _json(file: Path) -> Any:
    try:
        return json.loads(_text(file))
    except (ValueError, RecursionError):
        raise CocoonError(f"{file}: is not JSON.") from None


def _records(file: Path) -> list[Any]:
    if file.suffix.lower() != ".jsonl":
        content = _json(file)
        if isinstance(content, dict):
            content = content.get("records", [content])
        return content if isinstance(content, list) else [content]
    try:
        return [json.loads(line) for line in _text(file).splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise CocoonError(f"{file}: has a line that is not JSON.") from None


def _csv(file: Path, names: Mapping[str, str]) -> Iterator[GivenValue]:
    rows = list(csv.DictReader(io.StringIO(_text(file))))
    columns = [name for name in rows[0] if name] if rows else []
    heads = {name: names.get(name, name) for name in (*_HEADS, *_LONG)}
    lacking = [heads[name] for name in _HEADS if heads[name] not in columns]
    if lacking:
        raise CocoonError(
            f"{file}: has no column {lacking[0]!r} (it has {', '.join(columns) or 'no lines'}). "
            "Map it with --map dialogue=COLUMN,rater=COLUMN."
        )
    is_long = all(heads[name] in columns for name in _LONG)
    others = [name for name in columns if name not in heads.values()]
    for number, row in enumerate(rows, 2):
        where, head = f"{file}, line {number}", (row[heads["dialogue"]] or "", row[heads["rater"]] or "")
        if is_long:
            yield GivenValue(where, *head, f"{row[heads['scale']]}:{row[heads['item']]}", row[heads["value"]])
        else:
            yield from (GivenValue(where, *head, name, row[name]) for name in others)


def _record(where: str, record: Any) -> Iterator[GivenValue]:
    """Yield the answers of one record: Argilla's with `responses` (as a list by user or by question), or Potato's."""
    try:
        metadata = record.get("metadata") or {}
        dialogue = str(
            metadata.get("dialogue") or record.get("external_id") or record.get("instance_id") or record["id"]
        )
        if "label_annotations" in record:
            for question, labels in record["label_annotations"].items():
                yield from (
                    GivenValue(where, dialogue, str(record["user_id"]), question, one) for one in labels.values()
                )
            return
        responses = record["responses"]
        if isinstance(responses, dict):
            for question, answers in responses.items():
                yield from (GivenValue(where, dialogue, _user(one), question, one["value"]) for one in answers)
            return
        for response in responses:
            if response.get("status", "submitted") == "submitted":
                for question, answer in response["values"].items():
                    value = answer["value"] if isinstance(answer, dict) else answer
                    yield GivenValue(where, dialogue, _user(response), question, value)
    except (KeyError, TypeError, AttributeError) as error:
        raise CocoonError(f"{where}: is no record of Argilla or Potato ({type(error).__name__}: {error}).") from None


def _user(response: Mapping[str, Any]) -> str:
    return str(response.get("user_id") or response["user"])


def _potato_state(where: str, state: Any) -> Iterator[GivenValue]:
    try:
        for dialogue, labels in state["instance_id_to_label_to_value"].items():
            for label, value in labels:
                yield GivenValue(where, dialogue, str(state["user_id"]), label["schema"], value)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CocoonError(f"{where}: is not a user state file of Potato.") from None


def _ratings(
    values: Iterable[GivenValue],
    own_names: Mapping[str, str],
    dialogues: Mapping[str, Dialogue],
    scales: Mapping[str, Scale],
) -> Iterator[Rating]:
    grouped: dict[tuple[str, str, str], dict[str, float | None]] = {}
    for given in values:
        scale, part = _question(given, own_names, scales)
        if scale is None:
            continue
        if not given.rater:
            raise CocoonError(f"{given.where}: has no rater.")
        if given.dialogue not in dialogues:
            raise CocoonError(f"{given.where}: dialogue {given.dialogue[:80]!r} is not in the run.")
        answers = grouped.setdefault((given.rater, given.dialogue, scale.id), {})
        value = _value(given, scale, part)
        if answers.get(part, value) != value:
            raise CocoonError(f"{given.where}: {given.rater!r} answers {given.question!r} twice and differently.")
        answers[part] = value
    if not grouped:
        raise CocoonError("no question of the files is an item of a scale. Map one with --map comfort:1=QUESTION.")
    for (rater, name, scale_id), answers in grouped.items():
        yield _rating(rater, dialogues[name], scales[scale_id], answers)


def _question(given: GivenValue, own_names: Mapping[str, str], scales: Mapping[str, Scale]) -> tuple[Scale | None, str]:
    """Return the scale and its item id, or its dimension's id after a dot. None for a question of another kind."""
    name = own_names.get(given.question, given.question)
    for mark in (":", ".", "_"):
        scale = scales.get(name.partition(mark)[0])
        part = name.partition(mark)[2]
        if scale is None or not part:
            continue
        if mark != "." and part in scale.item_ids:
            return scale, part
        if part in [dimension.id for dimension in scale.dimensions]:
            return scale, f".{part}"
        raise CocoonError(f"{given.where}: {name!r} is no item and no dimension of the scale {scale.id!r}.")
    if given.question in own_names:
        raise CocoonError(f"{given.where}: {name!r} in the map is no item of a scale; write it as comfort:1.")
    return None, ""


def _value(given: GivenValue, scale: Scale, part: str) -> float | None:
    if given.value is None or str(given.value).strip() == "":
        return None
    try:
        value = float(str(given.value))
    except ValueError:
        raise CocoonError(f"{given.where}: {given.question!r} is {str(given.value)[:40]!r}, not a number.") from None
    low, high = scale.range
    most = high * max(dimension.multiply for dimension in scale.dimensions)
    if part.startswith(".") and not min(low, 0) <= value <= most:
        raise CocoonError(f"{given.where}: {given.question!r} is {value:g}, and the dimension goes up to {most:g}.")
    if not part.startswith(".") and not (value.is_integer() and low <= value <= high):
        raise CocoonError(f"{given.where}: {given.question!r} is {value:g}, not a whole number from {low} to {high}.")
    return value


def _rating(rater: str, dialogue: Dialogue, scale: Scale, answers: Mapping[str, float | None]) -> Rating:
    items = {item: None if (value := answers.get(item)) is None else int(value) for item in scale.item_ids}
    dimensions = score(scale, items) | {name[1:]: value for name, value in answers.items() if name.startswith(".")}
    of_dimensions = all(name.startswith(".") for name in answers)
    return Rating(
        **dialogue.head,
        scale=scale.id,
        judge=f"{HUMAN}{rater}",
        prompt_id=PROMPT,
        prompt_sha=f"{PROMPT}.{scale.sha}",
        items={} if of_dimensions else items,
        missing={} if of_dimensions else {item: "not answered" for item, value in items.items() if value is None},
        dimensions=dimensions,
    )


def _key(rating: Rating) -> tuple[str, str, str]:
    return rating.judge, rating.dialogue, rating.scale
