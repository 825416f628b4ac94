"""From run folders to comparisons of their supporters, and to the files that hold them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.core.config import StudyConfig, UserConfig
from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.comparison.compare import compare_sides
from cocoon.evaluation.comparison.records import Comparison
from cocoon.evaluation.comparison.sides import Side, name_sides, sides_of
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.files import write_pages, write_texts
from cocoon.reports.origin import origin_warnings
from cocoon.reports.tables.comparison import comparison_report, comparison_rows
from cocoon.reports.tables.records import Report
from cocoon.reports.tables.trust import constant_warnings
from cocoon.running.folder import existing_run, read_config, read_run
from cocoon.running.reading.scales import scales_of

# What makes dialogues or ratings of two runs differ beside the supporter; its own settings are what is compared.
_SETTINGS = (
    *(f"user.{name}" for name in UserConfig.model_fields),
    *("rounds", "samples", "prompts", "judge.temperature", "judge.top_p", "judge.reasoning_effort", "judge.extra_body"),
    *("judge.votes", "judge.floor"),
)


@dataclass(frozen=True)
class ComparisonChoice:
    """What of the runs is compared. An empty list is everything."""

    supporters: list[str] = field(default_factory=list)
    baseline: str | None = None
    judges: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    scale_files: list[Path] = field(default_factory=list)


def compare_runs(
    runs: Sequence[Path], choice: ComparisonChoice, allow: bool = False
) -> tuple[list[Comparison], Report]:
    """Comparisons of the chosen supporters, and the report that shows them.

    Raises CocoonError for a run given twice, an unknown supporter, or sides that may not be compared.
    """
    paths = [path.resolve() for path in runs]
    for path, run in zip(paths, runs, strict=True):
        if paths.count(path) > 1:
            raise CocoonError(f"{run}: is given twice; name two runs, or one that holds several supporters")
    sides = _chosen([side for run in runs for side in _sides(run, choice)], choice.supporters)
    name_sides(sides)
    comparisons = compare_sides(sides, scales_of(runs, choice.scale_files), _baseline(sides, choice.baseline), allow)
    facts = [(f"Supporter {side.name}", side.run) for side in sides]
    return comparisons, comparison_report(comparisons, _warnings(runs, sides), facts)


def write_comparison(comparisons: Sequence[Comparison], report: Report, out: Path) -> None:
    """Write compare.md, compare.csv and compare.html into a folder, made if it is not there."""
    table = comparison_rows(comparisons)
    write_pages(report, out, "compare")
    write_texts(out, {"compare.csv": render_csv(Report(title=report.title, tables=[table]))[table.id]})


def _sides(run: Path, choice: ComparisonChoice) -> list[Side]:
    existing_run(run)
    ratings = read_run(run, "ratings.jsonl", Rating)
    sides = sides_of(str(run), read_run(run, "dialogues.jsonl", Dialogue), ratings)
    for side in sides:
        side.ratings = _chosen_ratings(side, choice)
    return sides


def _chosen_ratings(side: Side, choice: ComparisonChoice) -> list[Rating]:
    """Return the ratings by the chosen judges.

    Where some ratings of a judge, scale and language are under a named prompt, only those are returned.
    """
    language = {name: node[0] for node, names in side.dialogues.items() for name in names}
    chosen = [rating for rating in side.ratings if not choice.judges or rating.judge in choice.judges]
    named = [rating for rating in chosen if any(rating.prompt_sha.startswith(sha) for sha in choice.prompts)]
    decided = {(rating.judge, rating.scale, language[rating.dialogue]) for rating in named}
    others = [rating for rating in chosen if (rating.judge, rating.scale, language[rating.dialogue]) not in decided]
    return others + named


def _chosen(sides: list[Side], names: list[str]) -> list[Side]:
    known = ", ".join(repr(name) for name in dict.fromkeys(side.supporter for side in sides))
    for name in names:
        if name not in {side.supporter for side in sides}:
            raise CocoonError(f"supporter {name!r} is not in the runs; they have {known}")
    sides_found = [side for name in names for side in sides if side.supporter == name] if names else sides
    if len(sides_found) < 2:
        raise CocoonError(
            f"nothing to compare: one supporter of one run alone; the runs have {known}; give another run"
        )
    return sides_found


def _baseline(sides: Sequence[Side], name: str | None) -> Side | None:
    if name is None:
        return None
    candidates = [side for side in sides if name in (side.name, side.supporter, side.run)]
    if len(candidates) != 1:
        known = ", ".join(repr(side.name) for side in sides)
        raise CocoonError(f"--baseline {name!r} names {len(candidates) or 'no'} sides; name one of {known}")
    return candidates[0]


def _warnings(runs: Sequence[Path], sides: Sequence[Side]) -> list[str]:
    configs = [config for run in runs if (config := read_config(run)) is not None]
    constant = constant_warnings(rating for side in sides for rating in side.ratings)
    return [*origin_warnings(runs), *_differing(configs), *constant]


def _differing(configs: Sequence[StudyConfig]) -> list[str]:
    """One warning for each setting other than the supporter's in which the runs differ."""
    warnings = []
    for key in _SETTINGS:
        values = list(dict.fromkeys(str(_setting(config, key)) for config in configs))
        if len(values) > 1:
            warnings.append(f"The runs differ in {key}: {' | '.join(values)}. A difference may come from that.")
    return warnings


def _setting(config: StudyConfig, key: str) -> object:
    value: object = config.model_dump(mode="json")
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) else None
    return value
