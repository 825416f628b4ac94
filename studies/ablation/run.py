"""The user ablation (paper RQ5, F.3): dialogues with simulated users that know more or less, compared in pairs.

Every condition is a run folder of its own under `conditions/`. The comparisons are beside these folders, in the order
of the profiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.agents.users.conditions import Condition, read_conditions
from cocoon.core.config import StudyConfig
from cocoon.core.records import Profile
from cocoon.models.by_name import Models
from cocoon.running.frame import Watch
from cocoon.running.local_parts import local_parts
from cocoon.running.session import Outcome, simulate
from cocoon.running.study import OwnObjects, Study, open_models
from cocoon.studies.ablation.compare import compare_conditions
from cocoon.studies.ablation.config import CONDITIONS, comparison_of
from cocoon.studies.ablation.report import write_ablation_report
from cocoon.studies.listener import Listener
from cocoon.studies.result import StudyResult


async def make_conditions(
    study: Study, profiles: Sequence[Profile], conditions: Sequence[Condition], out: Path, watch: Watch | None = None
) -> list[Outcome]:
    """Simulate every condition into its own run folder, and stop after a condition that was stopped."""
    outcomes: list[Outcome] = []
    folders = [out / CONDITIONS / condition.name for condition in conditions]
    for condition, folder in zip(conditions, folders, strict=True):
        condition_study = Study(condition.settings(study.config), study.models, study.own)
        known_profiles = [condition.profile(profile) for profile in profiles]
        outcomes.append(await simulate(condition_study, known_profiles, folder, watch, beside=folders))
        if outcomes[-1].stopped_by is not None:
            break
    return outcomes


@dataclass
class Ablation:
    """An ablation that is ready to start. No model is opened yet.

    `config` holds the settings of its dialogues and the judge. Without `profiles` nothing is simulated, and the
    dialogues that the folder holds are compared. `own` are agents handed over in Python.
    """

    config: StudyConfig
    conditions: str
    every_pair: bool
    profiles: list[Profile]
    out: Path
    own: OwnObjects = field(default_factory=OwnObjects)

    async def run(self, listener: Listener) -> StudyResult:
        """Simulate every condition, compare them, and write the report. Calling this again goes on."""
        outcomes = await self._simulate(listener) if self.profiles else []
        if not outcomes or outcomes[-1].stopped_by is None:
            outcomes.append(await self._compare(listener))
        else:
            listener.say(f"cocoon: {outcomes[-1].stopped_by}")
        names = [condition.name for condition in read_conditions(self.conditions)]
        report = write_ablation_report(self.out, names, self.config.judge.model)
        return StudyResult(self.out, report, self._exit_code(outcomes), outcomes[-1].stopped_by)

    async def _simulate(self, listener: Listener) -> list[Outcome]:
        study = study_of(self.config, self._models(), self.own)
        study.user()
        study.supporters()
        listener.unnamed(study.config)
        listener.hosts(study.models)
        return await make_conditions(study, self.profiles, read_conditions(self.conditions), self.out, listener.watch())

    async def _compare(self, listener: Listener) -> Outcome:
        config = comparison_of(self.config, self.conditions, every_pair=self.every_pair)
        outcome = await compare_conditions(config, self._models(), self.out, listener.watch())
        for note in outcome.notes:
            listener.say(note)
        return outcome

    def _models(self) -> Models:
        return open_models(self.config, local_parts())

    @staticmethod
    def _exit_code(outcomes: Sequence[Outcome]) -> int:
        """Return the code of the last step, or the worst of the earlier ones if that one went well."""
        return outcomes[-1].exit_code or max(outcome.exit_code for outcome in outcomes)


def study_of(config: StudyConfig, models: Models, own: OwnObjects | None = None) -> Study:
    """Return the simulation half of an ablation: a study without a judge."""
    without_judge = config.judge.model_copy(update={"model": None})
    return Study(config.model_copy(update={"judge": without_judge}), models, own or OwnObjects())
