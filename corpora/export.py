"""Exports a dialogues file for training elsewhere: messages as JSONL or Parquet, ShareGPT; always with a card."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records, write_whole
from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import CORPORA
from cocoon.corpora.export_card import Exported, card
from cocoon.corpora.export_rows import Thoughts, messages_row, sharegpt_row

Format = Literal["messages", "parquet", "sharegpt"]
FORMATS: tuple[Format, ...] = get_args(Format)
FILES: dict[Format, str] = {
    "messages": "dialogues.messages.jsonl",
    "parquet": "dialogues.parquet",
    "sharegpt": "dialogues.sharegpt.json",
}
# What may be passed on without asking: our own, and licences that say so.
FREE = ("", "CC0-1.0", "CC-BY-4.0", "MIT", "Apache-2.0", "MIT (repository)")


def export(
    file: Path,
    form: Format,
    out: Path,
    thoughts: Thoughts = "none",
    *,
    i_have_the_right: bool = False,
    force: bool = False,
) -> Exported:
    """Write the dialogues of a file into a folder, in one form, with README.md as their card.

    Raises CocoonError for text whose licence does not let it be passed on, unless `i_have_the_right`, and for a file
    that is there already, unless `force`.
    """
    names = (FILES[form], "README.md", *(["dataset_info.json"] if form == "sharegpt" else []))
    there = next((out / name for name in names if (out / name).exists()), None)
    if there is not None and not force:
        raise CocoonError(f"{there}: is there already; give --force to replace it, or another -o")
    told = Exported()
    for dialogue in read_records(file, Dialogue):
        told.count(dialogue)
    if not told.dialogues:
        raise CocoonError(f"{file}: holds no dialogue to export")
    if not i_have_the_right:
        refuse_unlicensed(told, file)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CocoonError(f"{out}: cannot be made ({error.strerror}); choose another -o") from None
    _WRITERS[form](file, out / FILES[form], thoughts, told)
    write_whole(out / "README.md", [card(told, form, FILES[form], thoughts).encode()])
    return told


def refuse_unlicensed(told: Exported, file: Path) -> None:
    """Raise CocoonError for the first source that may not be passed on."""
    for (source, licence), number in sorted(told.licences.items()):
        if not is_free(source, licence):
            raise CocoonError(
                f"{file}: {number} dialogues of {source!r} are under {licence!r}, which lets nobody pass them on; "
                "leave them out, or give --i-have-the-right (also for training at home)"
            )


def is_free(source: str, licence: str) -> bool:
    """Whether a licence lets others pass the text on; simulated dialogues without one are their maker's."""
    known = next((corpus for corpus in CORPORA.values() if corpus.source == source), None)
    if known is not None and known.redistribution in ("non_commercial", "none"):
        return False
    return licence in FREE


def _dialogues(file: Path) -> Iterator[Dialogue]:
    yield from read_records(file, Dialogue)


def _messages(file: Path, target: Path, thoughts: Thoughts, told: Exported) -> None:
    del told
    rows = (messages_row(dialogue, thoughts) for dialogue in _dialogues(file))
    write_whole(target, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))


def _parquet(file: Path, target: Path, thoughts: Thoughts, told: Exported) -> None:
    from cocoon.corpora.export_parquet import write_rows

    del told
    write_rows(target, (messages_row(dialogue, thoughts) for dialogue in _dialogues(file)))


def _sharegpt(file: Path, target: Path, thoughts: Thoughts, told: Exported) -> None:
    def chunks() -> Iterator[bytes]:
        before = b"[\n"
        for dialogue in _dialogues(file):
            row = sharegpt_row(dialogue, thoughts)
            if not row["conversations"]:
                told.left_out += 1
                continue
            yield before + orjson.dumps(row)
            before = b",\n"
        yield (b"[" if before == b"[\n" else b"") + b"\n]\n"

    write_whole(target, chunks())
    write_whole(target.with_name("dataset_info.json"), [orjson.dumps(_info(target.name), option=orjson.OPT_INDENT_2)])


def _info(name: str) -> dict[str, Any]:
    """LLaMA-Factory's description of the file."""
    columns = {"messages": "conversations", "system": "system"}
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    return {"cocoon": {"file_name": name, "formatting": "sharegpt", "columns": columns, "tags": tags}}


_WRITERS: dict[Format, Callable[[Path, Path, Thoughts, Exported], None]] = {
    "messages": _messages,
    "parquet": _parquet,
    "sharegpt": _sharegpt,
}
