"""The scales of a run: the shipped ones, and copies of a user's own, kept in the folder from the judging on."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cocoon.core.jsonl import write_whole
from cocoon.evaluation.scales.files import load_scale, shipped_scales
from cocoon.evaluation.scales.records import Scale

FOLDER = "scales"


def keep_scales(run: Path, files: Iterable[Path], asked: Sequence[str]) -> None:
    """Copy those files of scales that a run is judged on into its folder, each as scales/ID.yaml.

    So whatever reads the ratings later knows their items and directions without being given the file again.
    """
    for file in files:
        scale = load_scale(file)
        target = run / FOLDER / f"{scale.id}.yaml"
        if scale.id in asked and file != target:
            (run / FOLDER).mkdir(exist_ok=True)
            write_whole(target, [file.read_bytes()])


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
