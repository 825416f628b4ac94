"""The study of asking: at turns drawn from talks, the same content as a question and as a statement, and n futures of
each, under every rule set of the simulated user.

Every rule set has a run of branches in its own folder under `rules/`. All go on from the same prefixes and begin with
the same words, which are written and paid for once.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cocoon.core.config import StudyConfig, TrustRules
from cocoon.core.errors import CocoonError
from cocoon.core.records import Language
from cocoon.graphs.forks import Fork
from cocoon.running.checks.form_invariance import form_calls
from cocoon.running.estimate import appraises, measured_appraiser, summed_estimates
from cocoon.running.folder import read_config
from cocoon.running.manifest import read_manifest
from cocoon.running.study import Study
from cocoon.studies.asking.config import QUESTION, STATEMENT, AskingConfig
from cocoon.studies.asking.report import write_asking_report
from cocoon.studies.branches.config import MovesConfig
from cocoon.studies.branches.run import Branching, read_forks
from cocoon.studies.listener import Listener
from cocoon.studies.result import StudyResult
from cocoon.studies.sweep.plan import read_plan

FOLDERS = "rules"


@dataclass
class Asking:
    """A study of asking that is ready to start. `branchings` are its runs by their rule set."""

    run: Path
    config: AskingConfig
    branchings: dict[str, Branching]
    out: Path

    def estimate(self) -> dict[str, Any]:
        """Return calls, tokens, cost and hosts of all rule sets together."""
        parts = [branching.estimate() for branching in self.branchings.values()]
        total = summed_estimates(parts)
        return total | {"calls": total["calls"] + self._form_calls()}

    def _form_calls(self) -> int:
        """Return the calls that measure the appraiser's form invariance under prompts that no run has asked yet."""
        parent, manifest = read_config(self.run), read_manifest(self.run)
        measured = manifest is not None and manifest.form_invariance is not None and parent is not None
        known = {measured_appraiser(parent)} if measured and parent is not None else set[tuple[str, bool]]()
        calls = 0
        for branching in self.branchings.values():
            config = branching.study.config
            if appraises(config) and (measured_now := measured_appraiser(config)) not in known:
                languages: list[Language] = sorted({fork.parent.language for fork in branching.forks})
                calls += form_calls(languages, config.form_pairs)
                known.add(measured_now)
        return calls

    async def make(self, listener: Listener) -> StudyResult:
        """Make the futures under every rule set, and write the report. Calling this again goes on."""
        code = 0
        for branching in self.branchings.values():
            result = await branching.make(listener)
            code = max(code, result.exit_code)
            if result.stopped_by is not None:
                return StudyResult(self.out, None, result.exit_code, result.stopped_by)
        folders = {rules: branching.out for rules, branching in self.branchings.items()}
        sweep = Path(self.config.sweep) if self.config.sweep else None
        return StudyResult(self.out, write_asking_report(self.out, self.run, folders, sweep), code, None)


def sampled_forks(run: Path, config: AskingConfig, seed: int, *, own: bool) -> list[Fork]:
    """Return forks of both forms at turns drawn from talks. Only turns that the user answers are drawn.

    A turn at which one form cannot be written is left out, with the other form.

    Raises CocoonError for a run without such a turn.
    """
    by_talk: dict[str, list[Fork]] = {}
    for fork in read_forks(run, None, MovesConfig(), own=own):
        if (fork.length or 0) + 1 < len(fork.parent.turns):
            by_talk.setdefault(fork.parent.id, []).append(fork)
    if not by_talk:
        raise CocoonError(f"{run}: no talk has a reply of the supporter that the user answers")
    talks = sorted(by_talk)
    sample = talks if config.talks is None else random.Random(f"{seed}").sample(talks, min(config.talks, len(talks)))
    return [
        replace(fork, move=move, needs=(QUESTION, STATEMENT))
        for talk in sorted(sample)
        for fork in _drawn(by_talk[talk], config.turns, f"{seed}.{talk}")
        for move in config.moves().arms
    ]


def _drawn(forks: Sequence[Fork], count: int, seed: str) -> list[Fork]:
    sample = random.Random(seed).sample(forks, min(count, len(forks)))
    return sorted(sample, key=lambda fork: fork.round)


def plan_asking(run: Path, study: Study, config: AskingConfig, out: Path, *, own: bool) -> Asking:
    """Return the study. A user without trust rules, such as Python code, goes on as it is.

    Raises CocoonError for a folder that has no sweep, before anything is paid for.
    """
    if config.sweep:
        read_plan(Path(config.sweep))
    forks = sampled_forks(run, config, study.config.seed, own=own)
    ruled = study.own_user() is None and study.config.user.kind == "guarded"
    settings = (
        {rules: _ruled(study.config, rules) for rules in config.rule_sets()} if ruled else {"as it is": study.config}
    )
    branchings: dict[str, Branching] = {}
    for rules, configured in settings.items():
        folder = out / FOLDERS / rules.replace(" ", "-")
        beside = [branching.out for branching in branchings.values()]
        branchings[rules] = Branching(run, replace(study, config=configured), forks, folder, config.moves(), beside)
    return Asking(run, config, branchings, out)


def _ruled(config: StudyConfig, rules: TrustRules) -> StudyConfig:
    return config.model_copy(update={"user": config.user.model_copy(update={"rules": rules})})
