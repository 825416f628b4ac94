"""Find the coefficients of a sweep for the ratios that were asked for, on talks of the study itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.models.local.weights import Weights
from cocoon.running.checks.coherence import CoherenceReader, situation_reader
from cocoon.steering.calibration.detector import Trust
from cocoon.steering.calibration.on_situations import CalibrateConfig, CalibrationTask, Say
from cocoon.steering.pairs.situations import Situation
from cocoon.studies.sweep.config import SweepConfig
from cocoon.studies.sweep.plan import USERS, SteerFile, SweptUser
from cocoon.studies.sweep.talks import moments_of, with_talks

CALIBRATION = "calibration"


@dataclass(frozen=True)
class CoefficientSearch:
    """Moments of talk and settings under which the coefficients of every direction are found."""

    config: CalibrateConfig
    moments: Sequence[Situation]
    folder: Path

    @classmethod
    def of(cls, sweep: SweepConfig, study: StudyConfig, users: Sequence[SweptUser], out: Path) -> "CoefficientSearch":
        """Read the moments: those of the talks that were given, or of this study's own.

        Raises CocoonError where nobody has spoken in them.
        """
        config = sweep.calibrating(study)
        _, moments = with_talks(config)
        if moments is None:
            config = config.model_copy(update={"talks": str(out / CALIBRATION)})
            moments = [moment for run in rehearsal_runs(out, users) for moment in moments_of(run)]
        if not moments:
            raise CocoonError(
                f"{out / CALIBRATION}: no user has said anything to calibrate on; see failures.jsonl there"
            )
        return cls(config, moments, out / CALIBRATION)

    def find(self, weights: Weights, model: str, file: SteerFile, say: Say) -> tuple[SteerFile, Trust | None]:
        """Return a direction's file with its coefficients by ratio, and the reader that the ratios are of.

        Replies are kept in the folder, and are not written again. Raises CocoonError for a ratio out of reach, and
        where no ratio lies above the unsteered one, since placebos have the largest coefficient.
        """
        say(f"{file.name}: looking for the coefficients of ratios {', '.join(f'{one:g}' for one in self.config.ratio)}")
        task = CalibrationTask.of(self.config, file.path, say, self.moments)
        judge = coherence_reader(self.config.coherence, self.folder, self.config.prompts)
        out = self.folder / f"{file.name}.json"
        hits = task.run(weights, model, out, say, situation_reader(judge)).calibration.found
        targets = {round(each.coefficient, 6): each.target for each in hits}
        if len(targets) < len(set(self.config.ratio)):
            raise CocoonError(f"{file.name}: two of the ratios need the same coefficient. Choose others.")
        if max(targets) <= 0:
            raise CocoonError(
                f"{file.name}: the unsteered model asks more than the largest ratio. Give a larger --ratio."
            )
        return replace(file, targets=targets), task.reader


def coherence_reader(spec: str | None, folder: Path, prompts: str | None) -> CoherenceReader | None:
    """Return the judge of single replies, with its journal in a folder, or None where nobody is named."""
    if spec is None:
        return None
    return CoherenceReader(spec, folder / "coherence.sqlite", Path(prompts) if prompts else None)


def rehearsal_runs(out: Path, users: Sequence[SweptUser]) -> list[Path]:
    """Return the folders of the unsteered talks with each kind of user, from which moments are taken."""
    return [out / CALIBRATION / USERS / user for user in users]
