"""Export a dialogues file for training elsewhere: messages as JSONL or Parquet, or ShareGPT, always with a card."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records, write_whole
from cocoon.core.records import Dialogue
from cocoon.corpora.export.card import Exported, card
from cocoon.corpora.export.rows import Thoughts, dpo_rows, kto_rows, messages_row, sharegpt_row
from cocoon.corpora.layouts import CORPORA

Format = Literal["messages", "parquet", "sharegpt", "dpo", "kto"]
FILES: dict[Format, str] = {
    "messages": "dialogues.messages.jsonl",
    "parquet": "dialogues.parquet",
    "sharegpt": "dialogues.sharegpt.json",
    "dpo": "preferences.dpo.jsonl",
    "kto": "preferences.kto.jsonl",
}
PreferenceRows = Callable[[Dialogue, Thoughts], Iterator[dict[str, Any]]]
# What may be passed on without asking: our own dialogues, and licences that allow it.
FREE = ("", "CC0-1.0", "CC-BY-4.0", "MIT", "Apache-2.0", "MIT (repository)")


def export_corpus(
    file: Path,
    form: Format,
    out: Path,
    thoughts: Thoughts = "none",
    *,
    i_have_the_right: bool = False,
    force: bool = False,
) -> Exported:
    """Write the dialogues of a file into a folder, in one form, with README.md as their card.

    Raises CocoonError for a text whose licence does not allow passing it on, unless `i_have_the_right`, and for a file
    that already exists, unless `force`.
    """
    names = (FILES[form], "README.md", *(["dataset_info.json"] if form == "sharegpt" else []))
    existing = next((out / name for name in names if (out / name).exists()), None)
    if existing is not None and not force:
        raise CocoonError(f"{existing}: already exists; give --force to replace it, or choose another -o")
    exported = Exported()
    for dialogue in read_records(file, Dialogue):
        exported.count(dialogue)
    if not exported.dialogues:
        raise CocoonError(f"{file}: has no dialogue to export")
    if not i_have_the_right:
        refuse_unlicensed(exported, file)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CocoonError(f"{out}: cannot be created ({error.strerror}); choose another -o") from None
    _WRITERS[form](file, out / FILES[form], thoughts, exported)
    write_whole(out / "README.md", [card(exported, form, FILES[form], thoughts).encode()])
    return exported


def refuse_unlicensed(exported: Exported, file: Path) -> None:
    """Raise CocoonError for the first source that may not be passed on."""
    for (source, licence), number in sorted(exported.licences.items()):
        if not is_free(source, licence):
            raise CocoonError(
                f"{file}: {number} dialogues of {source!r} are under {licence!r}, which does not allow passing them "
                "on; leave them out, or give --i-have-the-right (also for training at home)"
            )


def is_free(source: str, licence: str) -> bool:
    """Return whether a licence allows others to pass the text on.

    Simulated dialogues without a licence belong to whoever made them, who may pass them on.
    """
    known = next((corpus for corpus in CORPORA.values() if corpus.source == source), None)
    if known is not None and known.redistribution in ("non_commercial", "none"):
        return False
    return licence in FREE


def _dialogues(file: Path) -> Iterator[Dialogue]:
    yield from read_records(file, Dialogue)


def _messages(file: Path, target: Path, thoughts: Thoughts, exported: Exported) -> None:
    del exported
    rows = (messages_row(dialogue, thoughts) for dialogue in _dialogues(file))
    write_whole(target, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))


def _parquet(file: Path, target: Path, thoughts: Thoughts, exported: Exported) -> None:
    from cocoon.corpora.reading.parquet_rows import write_rows

    del exported
    write_rows(target, (messages_row(dialogue, thoughts) for dialogue in _dialogues(file)))


def _sharegpt(file: Path, target: Path, thoughts: Thoughts, exported: Exported) -> None:
    def chunks() -> Iterator[bytes]:
        separator = b"[\n"
        for dialogue in _dialogues(file):
            row = sharegpt_row(dialogue, thoughts)
            if not row["conversations"]:
                exported.left_out += 1
                continue
            yield separator + orjson.dumps(row)
            separator = b",\n"
        yield (b"[" if separator == b"[\n" else b"") + b"\n]\n"

    write_whole(target, chunks())
    write_whole(target.with_name("dataset_info.json"), [orjson.dumps(_info(target.name), option=orjson.OPT_INDENT_2)])


def _preferences(rows_of: PreferenceRows, file: Path, target: Path, thoughts: Thoughts, exported: Exported) -> None:
    """Write the rows of all preferences. Raises CocoonError if no dialogue of the file has one."""

    def rows() -> Iterator[bytes]:
        for dialogue in _dialogues(file):
            lines = [orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows_of(dialogue, thoughts)]
            exported.left_out += not lines
            yield from lines
        if exported.left_out == exported.dialogues:
            raise CocoonError(
                f"{file}: no dialogue has a preference; make some with `cocoon export RUN --to preferences`"
            )

    write_whole(target, rows())


def _info(name: str) -> dict[str, Any]:
    """Return LLaMA-Factory's description of the file."""
    columns = {"messages": "conversations", "system": "system"}
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    return {"cocoon": {"file_name": name, "formatting": "sharegpt", "columns": columns, "tags": tags}}


_WRITERS: dict[Format, Callable[[Path, Path, Thoughts, Exported], None]] = {
    "messages": _messages,
    "parquet": _parquet,
    "sharegpt": _sharegpt,
    "dpo": partial(_preferences, dpo_rows),
    "kto": partial(_preferences, kto_rows),
}
