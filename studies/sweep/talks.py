"""Moments of talk that were made under a study's settings, and how the supporter of that study speaks."""

from collections.abc import Sequence
from pathlib import Path

from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue
from cocoon.running.folder import read_config, read_run
from cocoon.steering.calibration.on_situations import CalibrateConfig
from cocoon.steering.pairs.situations import Situation, of_dialogue
from cocoon.studies.sweep.plan import PLAN, USERS, read_plan


def with_talks(config: CalibrateConfig) -> tuple[CalibrateConfig, list[Situation] | None]:
    """Return the settings with what they take from the folder of `talks`, and its moments (None without talks).

    What was given beside `talks` counts before what the folder says. Raises CocoonError for a folder without talks.
    """
    if config.talks is None:
        return config, None
    if config.situations is not None:
        raise CocoonError(f"--talks {config.talks}: --situations names the moments too. Leave one of them out.")
    runs = talked_runs(Path(config.talks).expanduser())
    explicit = config.model_fields_set
    taken = {name: value for name, value in _speaking(runs[0]).items() if name not in explicit and value is not None}
    moments = [moment for run in runs for moment in moments_of(run)]
    if not moments:
        raise CocoonError(f"--talks {config.talks} holds no talk in which the user has spoken. Simulate first.")
    return config.model_copy(update=taken), moments


def talked_runs(folder: Path) -> Sequence[Path]:
    """Return the run folders of a sweep, or the folder itself. Raises CocoonError where there is no dialogue."""
    runs = [folder / USERS / user for user in read_plan(folder).users] if (folder / PLAN).is_file() else [folder]
    with_dialogues = [run for run in runs if (run / "dialogues.jsonl").is_file()]
    if not with_dialogues:
        raise CocoonError(f"--talks {folder}: this folder holds no dialogues. Give the folder of a run or of a sweep.")
    return with_dialogues


def moments_of(run: Path) -> list[Situation]:
    """Return every moment of a run's dialogues at which the user has just spoken, however short it was."""
    # Runs of several kinds of user have dialogues of the same names.
    return [
        moment.model_copy(update={"id": f"{run.name}/{moment.id}"})
        for dialogue in read_run(run, "dialogues.jsonl", Dialogue)
        for moment in of_dialogue(dialogue, greetings=True)
    ]


def speaking_of(config: StudyConfig) -> dict[str, object]:
    """Return how the first supporter of a study speaks, as settings of a calibration. None stands for no setting."""
    supporter = config.supporters[0]
    own = {name: getattr(supporter, name) for name in ("prompt", "max_tokens", "temperature", "top_p")}
    return {**own, "prompts": config.prompts}


def _speaking(run: Path) -> dict[str, object]:
    config = read_config(run)
    return {} if config is None else speaking_of(config)
