"""The rows of a reproduction: the corpus of each, its training, and the adapter that came of it."""

import json
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.studies.reproduce.config import CorpusRow, ReproduceConfig, training_of
from cocoon.training.adapters.card import adapter_folder, read_card
from cocoon.training.config import TrainConfig

CORPORA, ADAPTERS, RUNS = "corpora", "adapters", "runs"
HELD_OUT, PROFILES = "held_out.jsonl", "profiles.jsonl"


def import_row(row: CorpusRow, out: Path) -> str:
    """Read a row's corpus, unless this was done before, and return one line about it."""
    target = out / CORPORA / f"{row.name}.jsonl"
    report = target.with_suffix(".report.json")
    if target.is_file() and report.is_file():
        return f"{row.label}: imported before"
    reading = read_corpus(row.corpus, Path(row.file).expanduser(), row.limit)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, (dump_line(dialogue) for dialogue in reading.dialogues if dialogue.language == row.language))
    notes = {
        "row": row.label,
        "read": reading.report.read,
        "kept": reading.report.kept,
        "repairs": reading.report.counts,
    }
    write_whole(report, [json.dumps(notes, ensure_ascii=False).encode()])
    if not target.stat().st_size:
        target.unlink()
        raise CocoonError(
            f"{row.file}: holds no dialogue in {row.language!r} for row {row.label!r}; check its language"
        )
    return f"{row.label}: {reading.report.summary()}"


@dataclass(frozen=True)
class Training:
    """The training of one row, and the folder of its adapter."""

    label: str
    config: TrainConfig
    folder: Path


def row_training(config: ReproduceConfig, row: CorpusRow, out: Path) -> Training:
    """Return the training of a row on its imported dialogues. Raises CocoonError if they were not imported."""
    imported = out / CORPORA / f"{row.name}.jsonl"
    if not imported.is_file():
        raise CocoonError(f"{imported} does not exist; run the stage `import` first")
    others = [
        out / CORPORA / f"{other_row.name}.jsonl"
        for other_row in config.rows
        if other_row is not row and not other_row.subset
    ]
    training = training_of(config, row, imported, others, out / HELD_OUT)
    return Training(row.label, training, out / ADAPTERS / row.name)


def left_out(adapter: Path) -> str:
    """Return how many dialogues of a row were left out of its training because they are of held-out people."""
    card = read_card(adapter)
    if card is None:
        return f"{adapter}: has no card"
    return f"{card.name}: {card.dropped.get('evaluation_profile', 0)} of {card.read} dialogues are of people held out"


def adapter_of(row: CorpusRow, out: Path) -> Path:
    """Return the folder of a row's adapter. Raises CocoonError if it has none."""
    folder = adapter_folder(Path(row.adapter)) if row.adapter else out / ADAPTERS / row.name
    if not (folder / "adapter_config.json").is_file():
        raise CocoonError(f"{folder}: holds no adapter for row {row.label!r}; run the stage `train` first")
    return folder
