"""The dialogue loaders by name, and what all of them share: unique ids and a report of every repair."""

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.outside.python_code import PREFIX, load_object
from cocoon.core.progress import working
from cocoon.core.records import Dialogue
from cocoon.core.text import plain_name
from cocoon.corpora.loaders.dialogues import (
    annomi,
    cactus,
    cocoon_dialogues,
    cpsycound,
    cpsycoune,
    esconv,
    esdcot,
    extes,
    own_dialogues,
    sage,
    smile,
)
from cocoon.corpora.loaders.messages import chat_messages, emollm, messages, sharegpt
from cocoon.corpora.reading.dialogue_draft import Corpus, ReadDialogue
from cocoon.corpora.reading.repair import RepairNote, RepairReport

Loader = Callable[[Path], Iterator[ReadDialogue]]
_LOADED: tuple[tuple[Corpus, Loader], ...] = (
    (esconv.CORPUS, esconv.load_esconv),
    (esconv.FAILED, partial(esconv.load_esconv, corpus=esconv.FAILED)),
    (extes.CORPUS, extes.load_extes),
    (esdcot.CORPUS, esdcot.load_esdcot),
    (chat_messages.SOULCHAT, partial(chat_messages.load_messages, corpus=chat_messages.SOULCHAT)),
    (chat_messages.PSYDT, partial(chat_messages.load_messages, corpus=chat_messages.PSYDT)),
    (smile.CORPUS, smile.load_smile),
    (cpsycound.CORPUS, cpsycound.load_cpsycound),
    (cpsycoune.CORPUS, cpsycoune.load_cpsycoune),
    (emollm.CORPUS, emollm.load_emollm),
    (cocoon_dialogues.CORPUS, cocoon_dialogues.load_cocoon_dialogues),
    (cactus.CORPUS, cactus.load_cactus),
    (sage.CORPUS, sage.load_sage),
    (annomi.CORPUS, annomi.load_annomi),
    (own_dialogues.CORPUS, own_dialogues.load_own_dialogues),
    (messages.CORPUS, messages.load_message_lists),
    (sharegpt.CORPUS, sharegpt.load_sharegpt),
)
CORPORA: dict[str, Corpus] = {corpus.name: corpus for corpus, _ in _LOADED}
LOADERS: dict[str, Loader] = {corpus.name: load for corpus, load in _LOADED}
# How many examples of each kind of repair a report keeps.
EXAMPLES = 5


@dataclass
class Reading:
    """A corpus while it is being read: the dialogues as a stream, and the report of the repairs so far."""

    dialogues: Iterator[Dialogue]
    report: RepairReport


def _loader(name: str) -> Callable[[Path], Iterator[ReadDialogue]]:
    """Return the loader of a corpus, which may be a function of the user's own that yields dialogues."""
    if name.startswith(PREFIX):
        function, source = load_object(name)
        if not callable(function):
            raise CocoonError(f"{name!r} is no function. Name a function of a path that yields cocoon.Dialogue.")
        return lambda path: _own(function, path, source.file)
    return LOADERS[find_corpus(name)]


def find_corpus(name: str) -> str:
    """Return our name of a corpus, however its papers and files spell it (`SoulChat`, `ESCoT`).

    Raises CocoonError for an unknown name, and names the nearest.
    """
    known = {plain_name(other): corpus.name for corpus in CORPORA.values() for other in (corpus.name, *corpus.also)}
    if plain_name(name) in known:
        return known[plain_name(name)]
    close = difflib.get_close_matches(plain_name(name), known, n=1)
    near = f"Did you mean {known[close[0]]!r}? " if close else ""
    raise CocoonError(f"Corpus {name!r} is not known. {near}The corpora are {', '.join(LOADERS)}.")


def _own(function: Callable[..., Any], path: Path, file: str) -> Iterator[ReadDialogue]:
    number = 1
    try:
        for number, dialogue in enumerate(function(path), 1):
            if not isinstance(dialogue, Dialogue):
                raise CocoonError(f"{file}: dialogue {number} is a {type(dialogue).__name__}. Yield cocoon.Dialogue.")
            yield ReadDialogue(f"dialogue {number}", dialogue, [])
            number += 1
    except CocoonError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise CocoonError(f"{file}, at dialogue {number}: {type(error).__name__}: {text}") from error


def read_corpus(name: str, path: Path, limit: int | None = None) -> Reading:
    """Read a corpus as a stream, up to the first `limit` dialogues.

    `name` may be a function of the user's own, as `python:FILE.py:NAME`. The report grows while the dialogues are
    taken. If a second dialogue has the same id, it gets another id. Raises CocoonError for an unknown corpus and for a
    missing path. While reading, it raises CocoonError for the first record that cannot be read, naming the file, the
    record and the turn.
    """
    load, name = _loader(name), name if name.startswith(PREFIX) else find_corpus(name)
    if not path.exists():
        raise CocoonError(f"{path}: does not exist; check the path")
    report = RepairReport(file=str(path), kind=name, things="dialogues", most=EXAMPLES)
    return Reading(islice(_dialogues(load(path), report), limit), report)


def _with_count(reads: Iterator[ReadDialogue], file: str) -> Iterator[ReadDialogue]:
    with working(f"reading {file}") as work:
        for read in reads:
            yield read
            work.advance()


def _dialogues(reads: Iterator[ReadDialogue], report: RepairReport) -> Iterator[Dialogue]:
    seen: dict[str, int] = {}
    for read in _with_count(reads, report.file):
        report.read += 1
        for note in read.notes:
            report.add(note)
        if read.dialogue is not None:
            report.kept += 1
            yield _with_unique_id(read.dialogue, read.where, seen, report)


def _with_unique_id(dialogue: Dialogue, where: str, seen: dict[str, int], report: RepairReport) -> Dialogue:
    earlier = seen.get(dialogue.id, 0)
    seen[dialogue.id] = earlier + 1
    if not earlier:
        return dialogue
    unused_id, number = dialogue.id, earlier + 1
    while unused_id in seen:
        unused_id, number = f"{dialogue.id}-{number}", number + 1
    seen[unused_id] = 1
    reason = f"the id {dialogue.id!r} is taken by an earlier dialogue"
    report.add(RepairNote(where=where, profile=unused_id, key="id", repair="relabelled", reason=reason))
    return dialogue.model_copy(update={"id": unused_id})
