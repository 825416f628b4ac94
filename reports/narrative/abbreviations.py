"""What the short names of a report mean."""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

import yaml

from cocoon.core.records import Language
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.reports.narrative.translation import translated

_ADDRESS = re.compile(r"https?://[^\s#]+#(\S+)")


def meaning(label: str, language: Language) -> str:
    """Return the name behind a short name (`Flu`: fluency), empty where it is not short."""
    names = _names().get(label.partition(" (lower is better)")[0])
    return names[language == "zh"] if names else ""


def extent(label: str, language: Language) -> str:
    """Return the range and the direction of a measure of the main table, empty for any other."""
    if label == "SR":
        return f"0–1, {translated('higher is better', language)}"
    measure = next((measure for measure in MEASURES if measure.label == label), None)
    if measure is None:
        return ""
    scale = load_scale(measure.scale)
    dimension = next(dimension for dimension in scale.dimensions if dimension.id == measure.dimension)
    low, high = (end * dimension.multiply for end in scale.range)
    return f"{low:g}–{high:g}, {translated(f'{dimension.better} is better', language)}"


def short_names(labels: Iterable[str]) -> dict[str, str]:
    """Return a short form for each model address (`http://host/v1#model`: model), the label itself for all others.

    Two labels never share a short form.
    """
    every_label = dict.fromkeys(labels)
    short = {label: match[1] if (match := _ADDRESS.fullmatch(label)) else label for label in every_label}
    uses = list(short.values())
    return {label: name if uses.count(name) == 1 else label for label, name in short.items()}


@cache
def _names() -> dict[str, tuple[str, str]]:
    text = resources.files("cocoon.reports.narrative").joinpath("abbreviations.yaml").read_text("utf-8")
    return {label: (english, chinese) for label, (english, chinese) in yaml.safe_load(text).items()}
