"""Configurations for Potato, a separate rating program (GPL): data and YAML for Likert scales and for pairs.

Potato does not draw orders itself: pairs are written with their order already drawn, a copy in each.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import yaml

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Dialogue, Language
from cocoon.evaluation.comparison_questions import load_questions
from cocoon.evaluation.scales import prompt_inputs
from cocoon.viewer.human_items import LikertItem, Material, PairItem


def write_potato(material: Material, out: Path) -> list[Path]:
    """Write likert.yaml and pairs.yaml with their data, for what the study has; the files that were written."""
    out.mkdir(parents=True, exist_ok=True)
    language = material.study.language
    parts = [
        ("likert", list(_likert_rows(material)), _likert_schemes(material, language)),
        ("pairs", list(_pair_rows(material)), _pair_schemes(language)),
    ]
    written: list[Path] = []
    for name, rows, schemes in parts:
        if rows:
            data, config = out / f"{name}.jsonl", out / f"{name}.yaml"
            write_whole(data, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
            text = yaml.safe_dump(_config(name, data.name, schemes), allow_unicode=True, sort_keys=False)
            write_whole(config, [text.encode()])
            written += [config, data]
    if not written:
        raise CocoonError("the study has neither scales nor pairs to export")
    return written


def _config(name: str, data: str, schemes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "annotation_task_name": f"cocoon {name}",
        "task_dir": ".",
        "data_files": [data],
        "output_annotation_dir": f"{name}_annotations",
        "output_annotation_format": "jsonl",
        "item_properties": {"id_key": "id", "text_key": "text"},
        "annotation_schemes": schemes,
        # Potato listens on every address unless it is told otherwise: start it with --host 127.0.0.1.
        "host": "127.0.0.1",
        "require_password": False,
    }


def _likert_rows(material: Material) -> Iterator[dict[str, Any]]:
    for item in material.items.values():
        if isinstance(item, LikertItem):
            yield {"id": item.id, "text": _text(item.dialogue)}


def _pair_rows(material: Material) -> Iterator[dict[str, Any]]:
    for item in material.items.values():
        if isinstance(item, PairItem):
            for swapped in (False, True):
                both = [_text(one) for one in item.dialogues]
                yield {
                    "id": f"{item.id}#{'swapped' if swapped else 'straight'}",
                    "text": "\n\n".join(
                        f"=== {number} ===\n{text}" for number, text in enumerate(both[::-1] if swapped else both, 1)
                    ),
                }


def _likert_schemes(material: Material, language: Language) -> list[dict[str, Any]]:
    return [
        {
            "annotation_type": "likert",
            "name": f"{scale.id}_{item['id']}",
            "description": item["text"],
            "size": scale.range[1] - scale.range[0] + 1,
            "min_label": str(scale.range[0]),
            "max_label": str(scale.range[1]),
        }
        for scale in material.scales
        for item in prompt_inputs(scale, language if language in scale.languages else scale.languages[0])["items"]
    ]


def _pair_schemes(language: Language) -> list[dict[str, Any]]:
    labels = ["1", "2", "=" if language == "zh" else "no difference"]
    return [
        {"annotation_type": "radio", "name": one.id, "description": one.of(language), "labels": labels}
        for one in load_questions().questions
    ]


def _text(dialogue: Dialogue) -> str:
    return "\n".join(f"{turn.role}: {' '.join(turn.content.split())}" for turn in dialogue.turns)
