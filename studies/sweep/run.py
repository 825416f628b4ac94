"""The study of the question ratio (paper RQ4, F.2, Figure 4): coefficients x profiles x samples in the real graphs.

Every coefficient is a supporter of one run. Steered supporters share the base and are written in one batch. Each kind
of simulated user has a run in its own folder under `users/`, so that it can be resumed, judged and read like every
other run. History is encoded as it was written down: `tokens=reply` steers only the current reply.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon.core.config import JudgeConfig, StudyConfig
from cocoon.core.records import Language, Profile
from cocoon.models.by_name import Models
from cocoon.models.journal.reader import opened_journal
from cocoon.models.ledger import Ledger
from cocoon.running.estimate import (
    JUDGEMENT,
    VERDICT,
    estimates_of_runs,
    expected_cost,
    expected_usage,
    summed_estimates,
)
from cocoon.running.frame import Watch
from cocoon.running.local_parts import local_parts, opened_weights
from cocoon.running.session import Outcome, simulate
from cocoon.running.study import OwnObjects, Study, open_models
from cocoon.studies.listener import Listener
from cocoon.studies.result import StudyResult
from cocoon.studies.sweep.coefficients import coherence_reader, rehearsal_runs
from cocoon.studies.sweep.coherence import EACH, measure_coherence
from cocoon.studies.sweep.config import SweepConfig
from cocoon.studies.sweep.plan import PLAN, USERS, SweepArm, SweepPlan, SweptUser, plain_arm, write_plan
from cocoon.studies.sweep.prepare import expected_plan, plan_sweep
from cocoon.studies.sweep.records import measure_nats
from cocoon.studies.sweep.report import write_sweep_report


def settings_of(config: StudyConfig, arms: Sequence[SweepArm], user: SweptUser) -> StudyConfig:
    """Return the study of one kind of user, with the arms as supporters."""
    supporters = [
        config.supporters[0].model_copy(update={"name": arm.name, "model": arm.model, "prompt": arm.prompt})
        for arm in arms
    ]
    kinds = {"guarded": {"kind": "guarded"}, "people": {"kind": "guarded", "rules": "people"}}
    changes = {} if user == "own" else kinds.get(user, {"kind": user})
    user_config = config.user.model_copy(update=changes)
    return config.model_copy(update={"supporters": supporters, "user": user_config})


async def run_sweep(
    config: StudyConfig,
    plan: SweepPlan,
    models: Models,
    profiles: Sequence[Profile],
    out: Path,
    watch: Watch | None = None,
    own: OwnObjects | None = None,
) -> list[Outcome]:
    """Talk and judge with every kind of user, and stop after a run that was stopped. Calling this again resumes."""
    write_plan(out, plan)
    outcomes: list[Outcome] = []
    folders = [out / USERS / user for user in plan.users]
    for user, folder in zip(plan.users, folders, strict=True):
        study = Study(settings_of(config, plan.arms, user), models, own or OwnObjects())
        outcomes.append(await simulate(study, list(profiles), folder, watch, beside=folders))
        if outcomes[-1].stopped_by is not None:
            break
    return outcomes


@dataclass
class Sweep:
    """A sweep that is ready to start, in four steps: `rehearse`, `plan`, `talk` and `finish`. No model is opened yet.

    `config` holds the settings of its runs, whose supporters are the arms. `own` are agents handed over in Python.
    """

    config: StudyConfig
    sweep: SweepConfig
    users: list[SweptUser]
    profiles: list[Profile]
    out: Path
    own: OwnObjects = field(default_factory=OwnObjects)

    def estimate(self) -> dict[str, Any]:
        """Return calls, tokens, cost and hosts of all arms and kinds of user together.

        What a judge of coherence reads while coefficients are looked for is left out, since their number is not known.
        """
        plan = expected_plan(self.sweep, self.users, self.out)
        dialogues = len(self.profiles) * len(plan.arms) * self.config.samples
        languages: list[Language] = sorted({profile.language for profile in self.profiles})
        settings = [settings_of(self.config, plan.arms, user) for user in plan.users]
        parts = estimates_of_runs(settings, dialogues, languages)
        if self._must_rehearse:
            rehearsals = [settings_of(self._unjudged, [plain_arm(self.sweep.model)], user) for user in plan.users]
            parts += estimates_of_runs(rehearsals, len(self.profiles) * self.config.samples, languages)
        if self.sweep.coherence is not None:
            read = expected_usage(self.sweep.coherence, EACH * dialogues * len(plan.users), JUDGEMENT, VERDICT)
            cost = expected_cost(Ledger.of([read], self.config.prices), batched=False)
            parts.append({"dialogues": 0, "calls": read.calls, **cost})
        return {"arms": len(plan.arms), **summed_estimates(parts)}

    async def rehearse(self, listener: Listener) -> Outcome | None:
        """Have the unsteered model talk with every kind of user, where coefficients are to be found on such talks.

        Returns the outcome that stopped it, or None.
        """
        if not self._must_rehearse:
            return None
        listener.say("talks of the unsteered model, to calibrate on ...")
        models = open_models(self._unjudged, local_parts())
        listener.hosts(models)
        runs = rehearsal_runs(self.out, self.users)
        for user, folder in zip(self.users, runs, strict=True):
            study = Study(settings_of(self._unjudged, [plain_arm(self.sweep.model)], user), models, self.own)
            outcome = await simulate(study, list(self.profiles), folder, listener.watch(), beside=runs)
            if outcome.stopped_by is not None:
                listener.say(f"cocoon: {outcome.stopped_by}")
                return outcome
        return None

    @property
    def _must_rehearse(self) -> bool:
        return bool(self.sweep.ratio) and self.sweep.talks is None and not (self.out / PLAN).exists()

    @property
    def _unjudged(self) -> StudyConfig:
        return self.config.model_copy(update={"judge": JudgeConfig(), "form_pairs": 0, "shard": None})

    def plan(self, listener: Listener) -> SweepPlan:
        """Return what is compared: the plan of the folder, or a new one with its placebos, made on the open base."""
        return plan_sweep(self.sweep, self.config, self.users, self.profiles, self.out, listener.say)

    async def talk(self, plan: SweepPlan, listener: Listener) -> list[Outcome]:
        """Open the models, and have every arm talk with every kind of user."""
        models = open_models(self.config, local_parts())
        for run in rehearsal_runs(self.out, plan.users):
            # What the talks before took counts towards the budget too.
            with opened_journal(run / "journal.sqlite") as journal:
                for usage in journal.spent() if journal else []:
                    models.ledger.add(usage)
        for user in plan.users:
            study = Study(settings_of(self.config, plan.arms, user), models, self.own)
            for opened in (study.user, study.judges, study.supporters):
                opened()
        users = ", ".join(plan.users)
        listener.say(f"{len(self.profiles)} profiles x {len(plan.arms)} arms x {self.config.samples} x {users}")
        listener.unnamed(self.config, but="supporters")
        listener.hosts(models)
        outcomes = await run_sweep(self.config, plan, models, self.profiles, self.out, listener.watch(), self.own)
        for outcome in outcomes:
            if outcome.stopped_by is not None:
                listener.say(f"cocoon: {outcome.stopped_by}")
        return outcomes

    def _read_replies(self, plan: SweepPlan, listener: Listener) -> None:
        reader = coherence_reader(self.sweep.coherence, self.out, self.config.prompts)
        if reader is not None:
            listener.say(f"replies of every arm are read for sense by {reader.spec} ...")
            for user in plan.users:
                measure_coherence(reader, self.out / USERS / user)

    def finish(self, plan: SweepPlan, outcomes: Sequence[Outcome], listener: Listener) -> StudyResult:
        """Score the replies under the unsteered base, if nothing failed, and write the report."""
        code = max(outcome.exit_code for outcome in outcomes)
        if not code:
            listener.say("scoring the replies under the unsteered model ...")
            with opened_weights(self.sweep.model) as weights:
                for user in plan.users:
                    measure_nats(weights, self.out / USERS / user)
            self._read_replies(plan, listener)
        return StudyResult(self.out, write_sweep_report(self.out), code, outcomes[-1].stopped_by)
