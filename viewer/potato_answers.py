"""Answers that raters gave in Potato, from the folder of configurations that was exported for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.evaluation.preference import TIE
from cocoon.viewer.human_answers import check
from cocoon.viewer.human_items import LikertItem, Material, PairItem
from cocoon.viewer.human_results import take_all
from cocoon.viewer.human_store import DONE, Answer, HumanStore
from cocoon.viewer.potato import potato_id, swapped_in

VALUES = {"A": "first", "B": "second", TIE: TIE}


def from_potato(folder: Path, store: HumanStore, material: Material) -> int:
    """Take the answers of every user whose name is a rater's; how many. CocoonError names the file.

    An item with an answer counts as done, and what lacks there as missing. Consent was given in Potato, so none of
    this study's texts stands beside the answers. Nothing is taken unless all can be read.
    """
    read: list[tuple[str, Answer]] = []
    for file in sorted(folder.glob("*/annotations/*/user_state.json")):
        task = file.parts[-4]
        read += [(str(file), one) for one in _answers(file, task, store.secret, material)]
    if not read:
        raise CocoonError(f"{folder}: holds no answers of Potato's; give the folder of `cocoon human export --potato`")
    return take_all(read, store)


def _answers(file: Path, task: str, secret: str, material: Material) -> Iterator[Answer]:
    try:
        state = json.loads(file.read_text("utf-8"))
        user, given = str(state["user_id"]), dict(state["instance_id_to_label_to_value"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CocoonError(f"{file}: is no user's state as Potato writes it") from None
    if user not in material.study.names:
        raise CocoonError(
            f"{file}: user {user[:40]!r} is none of the study's raters, {', '.join(material.study.names)}"
        )
    swapped = swapped_in(material, int(task.removeprefix("pairs_"))) if task in ("pairs_1", "pairs_2") else {}
    for name, item in material.items.items():
        labels = given.get(potato_id(secret, name))
        if labels and isinstance(item, PairItem if swapped else LikertItem):
            yield from _of_item(file, user, name, labels, swapped.get(name, False), material)


def _of_item(file: Path, user: str, name: str, labels: Any, swapped: bool, material: Material) -> Iterator[Answer]:
    item = material.items[name]
    scales = {f"{scale.id}_{one}": f"{scale.id}:{one}" for scale in material.scales for one in scale.item_ids}
    try:
        for label, value in labels:
            liked = isinstance(item, LikertItem)
            key, meant = (scales[label["schema"]], int(value)) if liked else (label["name"], VALUES[value])
            check(material, item, key, meant)
            yield Answer(user, name, key, meant, swapped, "", 0.0)
    except (CocoonError, KeyError, TypeError, ValueError) as error:
        raise CocoonError(f"{file}: cannot be read for {name!r} ({type(error).__name__}: {str(error)[:80]})") from None
    yield Answer(user, name, DONE, True, swapped, "", 0.0)
