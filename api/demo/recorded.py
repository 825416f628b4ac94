"""The recorded demonstration: a run folder that ships with the package, unpacked to be looked at."""

import zipfile
from importlib import resources
from pathlib import Path

from cocoon.api.run import Run
from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.running.manifest import read_manifest

ARCHIVE = "run.zip"


def recorded_files() -> Path:
    """Return the folder of the shipped recording: the lines as they were written, and the run."""
    return Path(str(resources.files("cocoon.examples"))) / "recorded"


def recorded_run(out: str | Path) -> Run:
    """Put the recorded run into `out`, unless it is there already, and return it. No model is asked.

    Raises CocoonError for a folder that holds a run of agents.
    """
    folder = Path(out)
    if (folder / "dialogues.jsonl").exists():
        manifest = read_manifest(folder)
        if manifest is None or manifest.recorded is None:
            raise CocoonError(f"{folder} holds a run of your own. Choose another --out for the recorded one.")
        return Run(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(recorded_files() / ARCHIVE) as archive:
            archive.extractall(folder)
    except OSError as error:
        raise NotSavedError(f"{folder} cannot be written ({error.strerror}). Choose another --out.") from None
    return Run(folder)
