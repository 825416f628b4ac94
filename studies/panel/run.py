"""The panel: each simulated user talks with all supporters about all profiles, and each judge rates all of it.

Every user has a run folder of its own under `users/`, so that it can be resumed, judged and read like every other run.
The report is on all users that the folder holds, so that a panel can be given more of them later.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon.core.config import StudyConfig
from cocoon.core.records import Language, Profile
from cocoon.models.by_name import Models
from cocoon.running.estimate import estimate, estimates_of_runs, summed_estimates
from cocoon.running.local_parts import local_parts
from cocoon.running.session import Outcome, assess, simulate
from cocoon.running.study import OwnObjects, Study, open_models, with_trained_prompts
from cocoon.studies.listener import Listener
from cocoon.studies.panel.config import PanelUser
from cocoon.studies.panel.report import write_panel_report
from cocoon.studies.panel.scores import USERS
from cocoon.studies.result import StudyResult


@dataclass
class UserPanel:
    """A panel that is ready to start. No model is opened yet. `own` are agents handed over in Python."""

    config: StudyConfig
    users: Sequence[PanelUser]
    judges: Sequence[str]
    profiles: list[Profile]
    out: Path
    own: OwnObjects = field(default_factory=OwnObjects)

    def estimate(self) -> dict[str, Any]:
        """Return calls, tokens, cost and hosts of all users and judges together."""
        dialogues = len(self.profiles) * len(self.config.supporters) * self.config.samples
        languages: list[Language] = sorted({profile.language for profile in self.profiles})
        parts = estimates_of_runs([user.settings(self.config) for user in self.users], dialogues, languages)
        judging = [estimate(self._judged_by(judge), dialogues, talking=False) for judge in self.judges]
        together = summed_estimates([*parts, *judging * len(self.users)])
        return {"users": len(self.users), **together, "dialogues": dialogues * len(self.users)}

    async def run(self, listener: Listener) -> StudyResult:
        """Let every user talk, have every judge rate, and write the report. Calling this again goes on."""
        models = open_models(self.config, local_parts())
        self._refuse_early(models)
        names = ", ".join(user.name for user in self.users)
        listener.say(f"{len(self.profiles)} profiles x {len(self.config.supporters)} supporters x users {names}")
        listener.unnamed(self.config)
        listener.hosts(models)
        outcomes: list[Outcome] = []
        for step in self._steps(models, listener):
            outcomes.append(await step)
            if (stopped_by := outcomes[-1].stopped_by) is not None:
                listener.say(f"cocoon: {stopped_by}")
                return StudyResult(self.out, None, outcomes[-1].exit_code, stopped_by)
        return StudyResult(self.out, write_panel_report(self.out), max(outcome.exit_code for outcome in outcomes))

    def _steps(self, models: Models, listener: Listener) -> Iterator[Any]:
        """Yield one session after the other: a user talks, and the judges rate its dialogues."""
        folders = [self.out / USERS / user.name for user in self.users]
        for user, folder in zip(self.users, folders, strict=True):
            study = self._study(user.settings(self.config), models)
            yield simulate(study, self.profiles, folder, listener.watch(), beside=folders)
            for judge in self.judges:
                yield assess(self._study(self._judged_by(judge), models), folder, listener.watch())

    def _study(self, config: StudyConfig, models: Models) -> Study:
        study = Study(config, models, self.own)
        study.config = with_trained_prompts(study)
        return study

    def _judged_by(self, judge: str) -> StudyConfig:
        return self.config.model_copy(update={"judge": self.config.judge.model_copy(update={"model": judge})})

    def _refuse_early(self, models: Models) -> None:
        """Open every agent, so that what cannot be done is refused before the first call."""
        for user in self.users:
            study = self._study(user.settings(self.config), models)
            study.user()
            study.supporters()
        for judge in self.judges:
            self._study(self._judged_by(judge), models).judges()
