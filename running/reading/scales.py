"""The scales of a run: copies of those that it is judged on, kept in its folder, and the shipped ones."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cocoon.core.jsonl import write_whole
from cocoon.evaluation.scales.files import load_scale, read_scale_file, shipped_scales
from cocoon.evaluation.scales.records import Scale

FOLDER = "scales"


def keep_scales(run: Path, files: Iterable[Path], asked: Sequence[str]) -> None:
    """Copy the scales that a run is judged on into its folder, each as scales/ID.yaml.

    So whatever reads the ratings later knows their items and directions, and judging goes on in the same words after a
    release has changed a shipped scale. A scale that the folder keeps is replaced only by one of `files`.
    """
    own = {load_scale(file).id: file.read_bytes() for file in files}
    for name in asked:
        target = run / FOLDER / f"{name}.yaml"
        text = own.get(name)
        if text is None and name in shipped_scales() and not target.exists():
            text = read_scale_file(name)
        if text is not None and not (target.exists() and target.read_bytes() == text):
            target.parent.mkdir(exist_ok=True)
            write_whole(target, [text])


def kept_files(run: Path) -> list[Path]:
    """Return the files of the scales that a run folder keeps."""
    return sorted((run / FOLDER).glob("[!.]*.yaml"))


def scales_of(runs: Iterable[Path], files: Iterable[Path] = ()) -> dict[str, Scale]:
    """Return the shipped scales, those that some run folders keep, and those of `files`, by their ids.

    Of two with one id the later counts. Raises CocoonError for a file that holds no scale.
    """
    kept = [file for run in runs for file in kept_files(run)]
    scales = {name: load_scale(name) for name in shipped_scales()}
    return scales | {scale.id: scale for scale in map(load_scale, [*kept, *files])}
