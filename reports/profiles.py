"""Figures of files of profiles: Figure 3 and Table 8 of the paper, as a report and as a drawing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, read_lines, write_whole
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import Dialogue, Language, Profile
from cocoon.evaluation.text.diversity import diversity, drawn_diversity
from cocoon.evaluation.text.profiles import DescriptionPart, ProfileFigures, description, profile_figures
from cocoon.reports.charts.draw import draw_sheet
from cocoon.reports.charts.profiles import profile_charts
from cocoon.reports.tables.profiles import Measured, profile_report
from cocoon.reports.tables.records import Report


@dataclass
class ProfileStats:
    """Figures of some files of profiles, and the diversity of one part of their descriptions."""

    profiles: dict[str, list[Profile]]
    part: DescriptionPart
    figures: dict[str, ProfileFigures]
    measured: list[Measured]

    @property
    def is_drawn(self) -> bool:
        """Whether some diversity was measured on draws, which a seed decides."""
        return any(corpus.drawn for corpus in self.measured)

    def report(self, *, like_paper: bool = False) -> Report:
        """Return the figures as a report, or only Table 8 of the paper with its rows beside ours."""
        return profile_report(self.figures, self.measured, like_paper)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "files": {name: figures.model_dump(mode="json") for name, figures in self.figures.items()},
            "text": self.part,
            "diversity": [
                {
                    "file": corpus.corpus,
                    "language": corpus.language,
                    "all": corpus.whole.model_dump(mode="json"),
                    "drawn": corpus.drawn.model_dump(mode="json") if corpus.drawn else None,
                }
                for corpus in self.measured
            ],
        }

    def write_figure(self, path: Path, language: Language = "en") -> None:
        """Write Figure 3 of all profiles as an SVG file. Raises CocoonError where its folder cannot be created."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CocoonError(f"{path}: cannot be written ({error.strerror}); choose another --figure") from None
        every_profile = [profile for profiles in self.profiles.values() for profile in profiles]
        charts = profile_charts(profile_figures(every_profile), language)
        write_whole(path, [draw_sheet(charts, "profiles", path.stem).encode()])


def profile_stats(
    files: Sequence[str], part: DescriptionPart = "description", sample: int | None = None, seed: int = 0
) -> ProfileStats:
    """Return the figures of some files of profiles or dialogues, or of `shipped`, `shipped:zh`, `shipped:en`.

    `part` is the text whose diversity is measured, and `sample` the number of texts in each draw (None: as many as the
    smallest file has). Raises CocoonError for a file without profiles.
    """
    names = list(dict.fromkeys(files))
    profiles = dict(zip(_short_names(names), map(read_profiles_once, names), strict=True))
    figures = {name: profile_figures(file_profiles) for name, file_profiles in profiles.items()}
    return ProfileStats(profiles, part, figures, measure_descriptions(profiles, part, sample, seed))


def read_profiles_once(name: str) -> list[Profile]:
    """Return the profiles of a file of profiles or of dialogues. A profile of several dialogues counts once.

    Raises CocoonError for a file without profiles.
    """
    profiles = {(profile.language, profile.id): profile for path in profile_path(name) for profile in _profiles(path)}
    if not profiles:
        raise CocoonError(f"{name}: has no profile")
    return list(profiles.values())


def _profiles(path: Path) -> Iterator[Profile]:
    for number, value in read_lines(path):
        where = f"{path}, line {number}"
        is_dialogue = isinstance(value, dict) and "turns" in value
        yield parse_record(value, Dialogue, where).profile if is_dialogue else parse_record(value, Profile, where)


def _short_names(files: Sequence[str]) -> list[str]:
    """Return the stems of files, or all that was typed where two stems are equal."""
    stems = [Path(name).stem for name in files]
    return [stem if stems.count(stem) == 1 else name for stem, name in zip(stems, files, strict=True)]


def measure_descriptions(
    profiles: Mapping[str, Sequence[Profile]], part: DescriptionPart, sample: int | None, seed: int
) -> list[Measured]:
    """Return the diversity of the descriptions of each file and language.

    Draws of equal size are measured too where there are several sets, or where `sample` gives a size. Raises
    CocoonError where a file has fewer texts than `sample`.
    """
    texts: dict[tuple[str, Language], list[str]] = {}
    for name, file_profiles in profiles.items():
        for profile in file_profiles:
            if text := description(profile, part):
                texts.setdefault((name, profile.language), []).append(text)
    for (name, language), descriptions in texts.items():
        if sample is not None and len(descriptions) < sample:
            raise CocoonError(f"{name}: has {len(descriptions)} texts in {language!r}, fewer than --sample {sample}")
    size = sample or min(map(len, texts.values()), default=0)
    draw = sample is not None or (len(texts) > 1 and size > 1)
    return [
        Measured(name, language, diversity(descriptions), drawn_diversity(descriptions, size, seed) if draw else None)
        for (name, language), descriptions in sorted(texts.items())
    ]
