"""Read answers that raters gave in Potato, from the folder of configurations that was exported for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.evaluation.statistics.preference import TIE
from cocoon.human.answers import check_answer
from cocoon.human.items import LikertItem, Material, PairItem
from cocoon.human.potato.configuration import potato_id, swapped_in
from cocoon.human.results import take_all
from cocoon.human.store import DONE, Answer, HumanStore

VALUES = {"A": "first", "B": "second", TIE: TIE}


def from_potato(folder: Path, store: HumanStore, material: Material) -> int:
    """Take the answers of every user whose name is a rater's, and return their number.

    An item with an answer counts as done, and its unanswered questions as missing. Consent was given in Potato, so no
    text of this study stands beside the answers. Nothing is taken unless all files can be read. Raises CocoonError
    naming the file at fault.
    """
    answers: list[tuple[str, Answer]] = []
    for file in sorted(folder.glob("*/annotations/*/user_state.json")):
        task = file.parts[-4]
        answers += [(str(file), answer) for answer in _answers(file, task, store.secret, material)]
    if not answers:
        raise CocoonError(f"{folder}: has no answers from Potato; give the folder of `cocoon human export --potato`")
    return take_all(answers, store)


def _answers(file: Path, task: str, secret: str, material: Material) -> Iterator[Answer]:
    try:
        state = json.loads(file.read_text("utf-8"))
        user, labels_by_item = str(state["user_id"]), dict(state["instance_id_to_label_to_value"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CocoonError(f"{file}: is not a user state file of Potato") from None
    if user not in material.study.names:
        raise CocoonError(
            f"{file}: user {user[:40]!r} is not a rater of the study; its raters are {', '.join(material.study.names)}"
        )
    swapped = swapped_in(material, int(task.removeprefix("pairs_"))) if task in ("pairs_1", "pairs_2") else {}
    for name, item in material.items.items():
        labels = labels_by_item.get(potato_id(secret, name))
        if labels and isinstance(item, PairItem if swapped else LikertItem):
            yield from _item_answers(file, user, name, labels, swapped.get(name, False), material)


def _item_answers(file: Path, user: str, name: str, labels: Any, swapped: bool, material: Material) -> Iterator[Answer]:
    item = material.items[name]
    scales = {
        f"{scale.id}_{question}": f"{scale.id}:{question}" for scale in material.scales for question in scale.item_ids
    }
    try:
        for label, value in labels:
            is_likert = isinstance(item, LikertItem)
            key, answer_value = (scales[label["schema"]], int(value)) if is_likert else (label["name"], VALUES[value])
            check_answer(material, item, key, answer_value)
            yield Answer(user, name, key, answer_value, swapped, "", 0.0)
    except (CocoonError, KeyError, TypeError, ValueError) as error:
        raise CocoonError(f"{file}: cannot be read for {name!r} ({type(error).__name__}: {str(error)[:80]})") from None
    yield Answer(user, name, DONE, True, swapped, "", 0.0)
