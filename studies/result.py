"""How a study ended: its folder, its report, and what failed or stopped it."""

from dataclasses import dataclass
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.reports.tables.records import Report


@dataclass(frozen=True)
class StudyResult:
    """A study's folder with its report, which is None where no report was asked for or possible.

    `exit_code` is 0 if everything was made, 1 if something failed, or the code of what stopped the study.
    """

    path: Path
    report: Report | None
    exit_code: int = 0
    stopped_by: CocoonError | None = None
