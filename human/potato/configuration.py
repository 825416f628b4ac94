"""Write configurations for Potato, a separate rating program (GPL): one folder each for scales and for pairs.

Potato does not randomise orders itself. Pairs are therefore written twice, in opposite orders, for two halves of the
raters. Ids reveal nothing. What they stand for is in `key.csv`, which belongs only to the study's owner.
"""

import csv
import hashlib
import io
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Dialogue, Language
from cocoon.evaluation.scales.scoring import Scale, prompt_inputs
from cocoon.human.items import LikertItem, Material, PairItem

LABELS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "first": "First",
        "second": "Second",
        "tie": "No difference",
        "user": "User",
        "supporter": "Supporter",
        "none": "no answer",
    },
    "zh": {
        "first": "第一段",
        "second": "第二段",
        "tie": "没有差别",
        "user": "用户",
        "supporter": "支持者",
        "none": "不作答",
    },
}
COMPARISON = "comparison"


@dataclass(frozen=True)
class PotatoTask:
    """One folder: its data, the fields that raters see, and the questions."""

    name: str
    rows: Sequence[dict[str, Any]]
    fields: Sequence[tuple[str, str]]
    schemes: Sequence[dict[str, Any]]


def write_potato(material: Material, secret: str, out: Path) -> list[Path]:
    """Write a folder for each task of the study and the key of their ids, and return the files."""
    language = material.study.language
    tasks = [task for task in _tasks(material, secret, LABELS[language]) if task.rows]
    if not tasks:
        raise CocoonError("the study has neither scales nor pairs to export")
    files = [path for task in tasks for path in _write(task, out / task.name)]
    out.chmod(0o700)
    write_whole(out / "key.csv", [_key(material, secret).encode()])
    return [*files, out / "key.csv"]


def potato_id(secret: str, item: str) -> str:
    """Return the item's id in Potato.

    The id reveals nothing, because names of items contain those of conditions.
    """
    return hashlib.sha256(f"{secret} potato {item}".encode()).hexdigest()[:16]


def swapped_in(material: Material, half: int) -> dict[str, bool]:
    """Return item -> whether the second dialogue stands first, for raters of half 1 or 2.

    The order is random and decided by the study's seed.
    """
    names = [item.id for item in material.items.values() if isinstance(item, PairItem)]
    random.Random(f"{material.study.seed} potato").shuffle(names)
    return {name: bool((index + half) % 2) for index, name in enumerate(names)}


def _tasks(material: Material, secret: str, labels: Mapping[str, str]) -> Iterator[PotatoTask]:
    fields = [("conversation", "")]
    yield PotatoTask("likert", list(_likert_rows(material, secret, labels)), fields, _likert_schemes(material))
    for half in (1, 2):
        sides = [(side, labels[side]) for side in ("first", "second")]
        yield PotatoTask(
            f"pairs_{half}", list(_pair_rows(material, secret, labels, half)), sides, [_pair_scheme(material)]
        )


def _write(task: PotatoTask, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    data, config = folder / "items.jsonl", folder / "config.yaml"
    write_whole(data, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in task.rows))
    write_whole(config, [yaml.safe_dump(_config(task, data.name), allow_unicode=True, sort_keys=False).encode()])
    return [config, data]


def _config(task: PotatoTask, data: str) -> dict[str, Any]:
    return {
        # Potato keeps one page per name, so tasks with the same name would show each other's questions.
        "annotation_task_name": task.name,
        "task_dir": ".",
        "data_files": [data],
        "output_annotation_dir": "annotations",
        "output_annotation_format": "jsonl",
        "item_properties": {"id_key": "id", "text_key": "text"},
        "instance_display": {
            "layout": {"direction": "horizontal", "gap": "20px"},
            "fields": [{"key": key, "type": "dialogue", "label": label} for key, label in task.fields],
        },
        "annotation_schemes": list(task.schemes),
        # Potato listens on every address unless it is started with --host 127.0.0.1.
        "host": "127.0.0.1",
        "require_password": False,
    }


def _likert_rows(material: Material, secret: str, labels: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for item in material.items.values():
        if isinstance(item, LikertItem):
            name = potato_id(secret, item.id)
            yield {"id": name, "text": name, "conversation": _turns(item.dialogue, labels)}


def _pair_rows(material: Material, secret: str, labels: Mapping[str, str], half: int) -> Iterator[dict[str, Any]]:
    swapped = swapped_in(material, half)
    for item in material.items.values():
        if isinstance(item, PairItem):
            name = potato_id(secret, item.id)
            conversations = [_turns(dialogue, labels) for dialogue in item.dialogues]
            first, second = conversations[::-1] if swapped[item.id] else conversations
            yield {"id": name, "text": name, "first": first, "second": second}


def _turns(dialogue: Dialogue, labels: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"speaker": labels[turn.role], "text": " ".join(turn.content.split())} for turn in dialogue.turns]


def _likert_schemes(material: Material) -> list[dict[str, Any]]:
    language = material.study.language
    return [
        scheme
        for scale in material.scales
        for scheme in _scale_schemes(scale, language if language in scale.languages else scale.languages[0])
    ]


def _scale_schemes(scale: Scale, language: Language) -> Iterator[dict[str, Any]]:
    """Yield the scale's instruction with the meaning of its ends, and a row of values for each item."""
    wording = prompt_inputs(scale, language)
    low, high = scale.range
    ends = [f"{anchor['value']}: {anchor['text']}" for anchor in wording["anchors"] if anchor["value"] in (low, high)]
    # The wording is for judges that write JSON. People who cannot decide leave the item out.
    instruction = re.sub(r"\bnull\b", LABELS[language]["none"], wording["instruction"])
    name = f"{scale.id}_instruction"
    yield {"annotation_type": "pure_display", "name": name, "description": instruction, "labels": ends}
    for item in wording["items"]:
        yield {
            "annotation_type": "likert",
            "name": f"{scale.id}_{item['id']}",
            "description": item["text"],
            "size": high - low + 1,
            "min_label": "",
            "max_label": "",
        }


def _pair_scheme(material: Material) -> dict[str, Any]:
    language = material.study.language
    labels = LABELS[language]
    return {
        "annotation_type": "pairwise",
        "name": COMPARISON,
        "description": material.questions.instruction.of(language),
        "mode": "multi_dimension",
        "labels": [labels["first"], labels["second"]],
        "allow_tie": True,
        "tie_label": labels["tie"],
        "dimensions": [
            {"name": question.id, "description": question.of(language)} for question in material.questions.questions
        ],
    }


def _key(material: Material, secret: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "item", "swapped in pairs_1", "swapped in pairs_2"])
    halves = [swapped_in(material, half) for half in (1, 2)]
    for name in _exported(material):
        writer.writerow([potato_id(secret, name), name, *(int(half[name]) if name in half else "" for half in halves)])
    return out.getvalue()


def _exported(material: Material) -> Iterable[str]:
    return [item.id for item in material.items.values() if isinstance(item, LikertItem | PairItem)]
