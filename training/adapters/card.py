"""The card of an adapter: base, data, settings and results of its training. It is read again when the adapter opens."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, write_whole
from cocoon.core.records import Language, Record

CARD_FILE, README_FILE = "card.json", "README.md"
SHIPPED = "shipped"
"""The name of the adapter that comes with the package, for both roles of the embedded model."""
WARNING = (
    "Trained on talks about distress. It is a subject of research on simulated users, no counsellor: it must not be "
    "used to advise anyone."
)


class Source(Record):
    """A source of dialogues."""

    source: str
    licence: str
    language: Language
    dialogues: int


class SplitSide(Record):
    """One side of the split. `tokens` counts all tokens, and `trained` those with a label.

    `cut` dialogues lost `turns_cut` replies at their end. `thinking` counts dialogues whose supporter turns have
    thoughts.
    """

    dialogues: int
    profiles: int
    thinking: int = 0
    turns: int
    tokens: int
    trained: int
    cut: int = 0
    turns_cut: int = 0


class Card(Record):
    """Everything that is known about an adapter. `base_hash` shows whether a base is the one it was trained over.

    Losses are per trained token, in nats: `loss_before` before the first step, `best_loss` at `best_step`. They are
    None if there was no validation. `dropped` counts dialogues, and `left_out` replies of dialogues that are kept.
    `dtype` is that of the base in training, `stored` that of the adapter's file.
    """

    schema_version: int = 1
    cocoon: str
    name: str
    base: str
    revision: str | None = None
    base_hash: str | None = None
    weights_sha256: str
    role: str = "supporter"
    thoughts: str
    prompt: str
    prompt_shas: dict[str, str] = {}
    sources: list[Source]
    read: int
    dropped: dict[str, int] = {}
    left_out: dict[str, int] = {}
    drawn: int | None = None
    train: SplitSide
    validation: SplitSide | None = None
    split_sha256: str
    packing: bool
    packing_note: str = ""
    attention: str
    dtype: str
    stored: str = "float32"
    device: str
    processes: int = 1
    parameters: int
    steps: int
    best_step: int | None = None
    loss_before: float | None = None
    best_loss: float | None = None
    last_train_loss: float | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    packages: dict[str, str] = {}


def adapter_folder(name: Path) -> Path:
    """Return the folder of an adapter: a path, or what is shipped for `shipped`. A folder of that name comes first."""
    folder = name.expanduser()
    if str(folder) == SHIPPED and not folder.is_dir():
        return Path(str(resources.files("cocoon.examples"))) / "open" / "adapter"
    return folder


def read_card(folder: Path) -> Card | None:
    """Read the card of an adapter's folder, None without one. Raises CocoonError for a card that cannot be read."""
    file = folder / CARD_FILE
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CocoonError(f"{file}: cannot be read ({error}); restore it, or remove it to open unchecked") from None
    return parse_record(content, Card, str(file))


def write_card(folder: Path, card: Card) -> None:
    """Write card.json, and README.md for people."""
    card_json = json.dumps(card.model_dump(mode="json"), ensure_ascii=False, indent=1)
    write_whole(folder / CARD_FILE, [card_json.encode()])
    write_whole(folder / README_FILE, [readme(card).encode()])


def is_file_hash(revision: str | None) -> bool:
    """Return whether a revision is the SHA-256 of an unpacked GGUF file, and not a commit of a hub."""
    return revision is not None and len(revision) == 64


def _revision(card: Card) -> str:
    origin = "unpacked from the GGUF file of SHA-256" if is_file_hash(card.revision) else "revision"
    return f"{origin} {card.revision or 'not known'}"


def readme(card: Card) -> str:
    """Return the card as Markdown with the YAML head that model hubs read."""
    licences = sorted({source.licence for source in card.sources})
    base_spec = str(card.settings.get("base", f"local:{card.base}"))
    head = {
        "base_model": card.base,
        "library_name": "peft",
        "language": sorted({source.language for source in card.sources}),
        "license": "other" if len(licences) != 1 or licences == ["own"] else licences[0],
        "tags": ["emotional-support", "lora"],
    }
    lines = [
        f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---",
        f"# {_cell(card.name)}",
        f"A LoRA adapter over {_cell(card.base)} ({_revision(card)}), {card.parameters:,} parameters.",
        "",
        f"**{WARNING}**",
        "",
        "| source | licence | language | dialogues |\n| --- | --- | --- | --- |",
        *(
            f"| {_cell(source.source)} | {_cell(source.licence)} | {source.language} | {source.dialogues:,} |"
            for source in card.sources
        ),
        "",
        "| side | dialogues | profiles | replies | tokens | trained | cut |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        _side("train", card.train),
        *([_side("validation", card.validation)] if card.validation else []),
        "",
        f"Read: {card.read:,}. Left out: {_counts(card.dropped)}{_replies_left_out(card)}. "
        "Licences of the corpora bind the adapter too.",
        "",
        f"Thoughts: {card.thoughts} ({card.train.thinking:,} dialogues trained on have any). "
        f"Role: {card.role}. {_system_prompt(card)} Packing: {_packing(card)}",
        "",
        _course(card),
        "",
        f"Use: `{_cell(base_spec)}+adapter=THIS-FOLDER`. All settings, hashes and versions: {CARD_FILE}.",
        "",
    ]
    return "\n".join(lines)


def _replies_left_out(card: Card) -> str:
    return f"; of the dialogues that are kept, replies: {_counts(card.left_out)}" if card.left_out else ""


def _system_prompt(card: Card) -> str:
    if card.role == "user":
        return "System prompt: that of the guarded user."
    also = " The user's is that of the guarded user." if card.role == "both" else ""
    return f"System prompt: supporter/{card.prompt}.{also}"


def _side(name: str, side: SplitSide) -> str:
    cells = (side.dialogues, side.profiles, side.turns, side.tokens, side.trained, side.cut)
    return f"| {name} | " + " | ".join(f"{cell:,}" for cell in cells) + " |"


def _counts(dropped: dict[str, int]) -> str:
    return ", ".join(f"{number:,} ({reason})" for reason, number in dropped.items()) or "none"


def _packing(card: Card) -> str:
    return (
        "on, documents isolated." if card.packing else f"off{f' ({card.packing_note})' if card.packing_note else ''}."
    )


def _course(card: Card) -> str:
    if card.best_loss is None:
        return f"{card.steps:,} steps; nothing validated, so this is the last step's adapter."
    before = f" ({card.loss_before:.4f} before the first step)" if card.loss_before is not None else ""
    return f"{card.steps:,} steps; lowest validation loss {card.best_loss:.4f} at step {card.best_step}{before}."


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
