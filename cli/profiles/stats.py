"""`cocoon profiles stats`: Figure 3 and Table 8 of the paper, from files of profiles."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.unused import refuse_unused

if TYPE_CHECKING:
    from cocoon.core.records import Language, Profile
    from cocoon.evaluation.text.profiles import DescriptionPart, ProfileFigures
    from cocoon.reports.tables.profiles import Measured

PartChoice = Literal["description", "feeling", "need", "memory"]
LanguageChoice = Literal["zh", "en"]


def stats(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Profiles or dialogues (.jsonl), or shipped, shipped:zh, shipped:en."),
    ],
    like: Annotated[str | None, typer.Option(metavar="TABLE", help="table8: beside the paper's figures.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Write the paper's Figure 3 of the profiles as SVG.")] = None,
    text: Annotated[
        PartChoice, typer.Option(help="Whose diversity: feeling, need and memories together, or one of them.")
    ] = "description",
    sample: Annotated[
        int | None, typer.Option(min=2, help="Texts in each draw (default: as many as the smallest file has).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws (default: 0).")] = None,
    language: Annotated[LanguageChoice | None, typer.Option(help="Language of the figure (default: en).")] = None,
    as_json: Json = False,
) -> None:
    """Count scenarios, emotions and chains, and measure how diverse the descriptions are."""
    import json

    from cocoon.core.errors import CocoonError
    from cocoon.evaluation.text.profiles import profile_figures
    from cocoon.reports.formats.json_value import to_json
    from cocoon.reports.formats.markdown import render_markdown
    from cocoon.reports.tables.profiles import profile_report

    if like not in (None, "table8"):
        raise CocoonError(
            f"--like {like!r}: profiles fill table8 alone; other tables are of `cocoon report RUN --like`"
        )
    if figure is None:
        refuse_unused({"--language": language}, (), "without --figure")
    files = list(dict.fromkeys(files))
    held = dict(zip(_names(files), map(read_profiles, files), strict=True))
    sets = {name: profile_figures(some) for name, some in held.items()}
    measured = measure(held, text, sample, seed or 0)
    if not any(one.drawn for one in measured):
        refuse_unused({"--seed": seed}, (), "where nothing is drawn: give two files, or --sample")
    if figure:
        _draw(figure, [one for some in held.values() for one in some], language or "en")
    if as_json and not like:
        typer.echo(json.dumps(_as_json(sets, measured, text), ensure_ascii=False))
        return
    made = profile_report(sets, measured, like is not None)
    typer.echo(json.dumps(to_json(made), ensure_ascii=False) if as_json else render_markdown(made))


def read_profiles(name: str) -> "list[Profile]":
    """The profiles of a file, of profiles or of dialogues; a profile of several dialogues counts once.

    Raises CocoonError for a file that holds none.
    """
    from cocoon.core.errors import CocoonError
    from cocoon.core.profile_files import profile_path

    found = {(one.language, one.id): one for path in profile_path(name) for one in _profiles(path)}
    if not found:
        raise CocoonError(f"{name}: holds no profile")
    return list(found.values())


def _profiles(path: Path) -> "Iterator[Profile]":
    from cocoon.core.jsonl import parse_record, read_lines
    from cocoon.core.records import Dialogue, Profile

    for number, value in read_lines(path):
        where = f"{path}, line {number}"
        talk = isinstance(value, dict) and "turns" in value
        yield parse_record(value, Dialogue, where).profile if talk else parse_record(value, Profile, where)


def _names(files: list[str]) -> list[str]:
    """Short names of files: their stems, or all that was typed where two are alike."""
    stems = [Path(name).stem for name in files]
    return [stem if stems.count(stem) == 1 else name for stem, name in zip(stems, files, strict=True)]


def measure(
    sets: "dict[str, list[Profile]]", part: "DescriptionPart", sample: int | None, seed: int
) -> "list[Measured]":
    """Diversity per file and language, and of draws of equal size where there is more than one, or a size is given.

    Raises CocoonError where a file has fewer texts than `sample`.
    """
    from cocoon.core.errors import CocoonError
    from cocoon.evaluation.text.diversity import diversity, drawn_diversity
    from cocoon.evaluation.text.profiles import description
    from cocoon.reports.tables.profiles import Measured

    texts: dict[tuple[str, Language], list[str]] = {}
    for name, some in sets.items():
        for one in some:
            if found := description(one, part):
                texts.setdefault((name, one.language), []).append(found)
    for (name, language), some in texts.items():
        if sample is not None and len(some) < sample:
            raise CocoonError(f"{name}: has {len(some)} texts in {language!r}, fewer than --sample {sample}")
    size = sample or min(map(len, texts.values()), default=0)
    draw = sample is not None or (len(texts) > 1 and size > 1)
    return [
        Measured(name, language, diversity(some), drawn_diversity(some, size, seed) if draw else None)
        for (name, language), some in sorted(texts.items())
    ]


def _as_json(sets: "dict[str, ProfileFigures]", measured: "Iterable[Measured]", text: str) -> dict[str, object]:
    return {
        "files": {name: one.model_dump(mode="json") for name, one in sets.items()},
        "text": text,
        "diversity": [
            {
                "file": one.corpus,
                "language": one.language,
                "all": one.whole.model_dump(mode="json"),
                "drawn": one.drawn.model_dump(mode="json") if one.drawn else None,
            }
            for one in measured
        ],
    }


def _draw(path: Path, profiles: "list[Profile]", language: "Language") -> None:
    from cocoon.core.errors import CocoonError
    from cocoon.core.jsonl import write_whole
    from cocoon.evaluation.text.profiles import profile_figures
    from cocoon.reports.charts.draw import draw_sheet
    from cocoon.reports.charts.profiles import profile_charts

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CocoonError(f"{path}: cannot be written ({error.strerror}); choose another --figure") from None
    charts = profile_charts(profile_figures(profiles), language)
    write_whole(path, [draw_sheet(charts, "profiles", path.stem).encode()])
    typer.echo(f"written: {path}", err=True)
