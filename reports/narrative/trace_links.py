"""Which dialogues stand behind a figure, as the part of a trace page's address that filters its list."""

from urllib.parse import quote, urlencode

from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.success.outcomes import OUTCOMES
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.reports.tables.needs import NOT_RATED, TIED
from cocoon.reports.tables.records import Row, Table
from cocoon.reports.tables.users.crisis import CRISIS_FLAGS_BY_NAME
from cocoon.reports.tables.users.flags import FLAG_NAMES, FLAGGED

_KEYS = {
    "Supporter": "supporter",
    "Judge": "judge",
    "Language": "language",
    "Scale": "scale",
    "Difficulty": "difficulty",
    "Turns": "turns",
}
_SUCCESS = {"SR paper": PAPER, "SR attributed": ATTRIBUTED}
_SCALES = {measure.label: measure.scale for measure in MEASURES} | {
    "SR": PAPER,
    "SR paper": PAPER,
    "Bounds paper": PAPER,
    "SR attributed": ATTRIBUTED,
    "Bounds attributed": ATTRIBUTED,
}
_OF_FIGURES = {"success": {"scale": PAPER}, "comfort_by_questions": {"scale": "comfort"}, "missing": {"missing": "any"}}
_FLAGS = {name: flag for flag, name in FLAG_NAMES.items()}
_NEEDS = {"with need": "yes", "need hidden": "yes", "without need": "no"}


def dialogues_behind(table: Table, row: Row, measure: str) -> str | None:
    """Return the filter of the dialogues behind a cell, `?` first.

    None where no rating of its own stands behind it, or where the page cannot tell the ratings apart (those under one
    of several prompts).
    """
    if table.id == "failures":
        return _query({"success": "failed"})
    labels = dict(zip(table.keys, row.labels, strict=True))
    chosen = {_KEYS[key]: label for key, label in labels.items() if key in _KEYS}
    if (prompts := labels.get("Prompts")) is not None:
        if prompts not in _NEEDS:
            return None
        chosen["need"] = _NEEDS[prompts]
    if (pooled := labels.get("Measure")) is not None:
        chosen["scale"] = _SUCCESS.get(pooled) or pooled.partition(" ")[0]
    if (reason := labels.get("Reason")) is not None:
        if reason in (TIED, NOT_RATED):
            return None
        chosen["missing"] = reason
    chosen |= _narrowed(table, measure)
    return _query(chosen) if chosen else None


def _narrowed(table: Table, measure: str) -> dict[str, str]:
    """Return what a column adds to the filter of its row."""
    if measure in ("Not applicable", "not applicable"):
        return {"success": "na"}
    if table.id == "outcomes" and measure in OUTCOMES:
        return {"scale": ATTRIBUTED, "outcome": measure}
    if table.id == "stop_reasons":
        return {"stop": measure}
    if measure == FLAGGED:
        return {"flag": "any"}
    if table.id == "flags":
        return {"flag": _FLAGS.get(measure, "any")}
    if table.id == "crisis" and measure in CRISIS_FLAGS_BY_NAME:
        return {"flag": CRISIS_FLAGS_BY_NAME[measure]}
    if table.id in ("named", "evidence"):
        return {"scale": ATTRIBUTED}
    return {"scale": _SCALES[measure]} if table.id in ("main", "success") and measure in _SCALES else {}


def dialogues_drawn(figure: str) -> str:
    """Return the filter of the dialogues behind a figure, empty where it shows all of them."""
    return _query(_OF_FIGURES[figure]) if figure in _OF_FIGURES else ""


def dialogue_address(name: str) -> str:
    """Return the part of a trace page's address that opens one dialogue."""
    return quote(_storable(name), safe="")


def _query(chosen: dict[str, str]) -> str:
    return f"?{urlencode({key: _storable(value) for key, value in chosen.items()})}"


def _storable(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
