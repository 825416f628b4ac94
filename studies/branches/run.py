"""Branches of a run: plan, futures, report. The words before a branch are neither spoken nor paid for again."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Dialogue, Rating
from cocoon.graphs.forks import Fork, forks_of
from cocoon.reports.tables.records import Report
from cocoon.running.estimate import appraises, estimate, judges_wanted
from cocoon.running.folder import existing_run, read_run
from cocoon.running.session import simulate
from cocoon.running.shards.shard import Shard
from cocoon.running.study import Study, with_trained_prompts
from cocoon.studies.branches.credit import Future, futures_of
from cocoon.studies.branches.report import write_branches_report
from cocoon.studies.listener import Listener
from cocoon.studies.result import StudyResult

PLAN = "branches.json"


@dataclass
class Branching:
    """Branches that are ready to be made. No model is opened yet. `forks` are where the talks of `run` are left."""

    run: Path
    study: Study
    forks: list[Fork]
    out: Path

    @property
    def own_forks(self) -> list[Fork]:
        """Where the talks are left whose people are of this shard, all of them without one."""
        shard = Shard.of(self.study.config.shard)
        return shard.part_of(self.forks, lambda fork: fork.parent.profile.id) if shard else self.forks

    @property
    def dialogues(self) -> int:
        """How many branches there will be."""
        supporters = len(self.study.config.supporters)
        return self.study.config.samples * sum(1 if fork.only else supporters for fork in self.own_forks)

    def estimate(self) -> dict[str, Any]:
        """Return what the branches will take: calls, tokens and cost (estimated), hosts."""
        config, supporters = self.study.config, len(self.study.config.supporters)
        whole = estimate(config, supporters)
        share = 0
        for fork in self.own_forks:
            # A supporter's reply a round, and between two of them the user's answer with its appraisal.
            rest = max(0, config.rounds - fork.round + 1)
            spoken = rest + max(0, rest - 1) * (2 if appraises(config) else 1)
            share += config.samples * (1 if fork.only else supporters) * (spoken + judges_wanted(config))
        scaled = {key: value * share / whole["calls"] for key, value in whole.items() if isinstance(value, int | float)}
        counts = {key: round(value) for key, value in scaled.items() if key != "cost_estimated"}
        return whole | scaled | counts | {"dialogues": self.dialogues, "calls": share}

    async def make(self, listener: Listener) -> StudyResult:
        """Make every branch, and write the report. Calling this again goes on. A shard has no report."""
        study = self.study
        keep_plan(self.out, self.run, self.forks)
        for opened in (study.user, study.judges, study.supporters):
            opened()
        study.config = with_trained_prompts(study)
        listener.unnamed(study.config)
        listener.hosts(study.models)
        profiles = list({fork.parent.profile.id: fork.parent.profile for fork in self.forks}.values())
        outcome = await simulate(study, profiles, self.out, listener.watch(), beside=[self.run], forks=self.forks)
        if outcome.stopped_by is not None:
            listener.say(f"cocoon: {outcome.stopped_by}")
            return StudyResult(self.out, None, outcome.exit_code, outcome.stopped_by)
        # A shard alone says nothing about the run.
        report = report_of(self.out, self.run) if study.config.shard is None else None
        return StudyResult(self.out, report, outcome.exit_code, None)


def read_forks(run: Path, rounds: Sequence[int] | None, *, own: bool) -> list[Fork]:
    """Return where the talks of a run are left. With `own` each goes on with its own supporter alone."""
    existing_run(run)
    dialogues = read_run(run, "dialogues.jsonl", Dialogue)
    forks = [
        Fork(fork.parent, fork.round, fork.parent.supporter if own else None) for fork in forks_of(dialogues, rounds)
    ]
    if not forks:
        asked = "any round" if rounds is None else f"round {', '.join(map(str, rounds))}"
        raise CocoonError(f"{run}: no dialogue has a supporter's reply in {asked} to branch from")
    return forks


def keep_plan(out: Path, run: Path, forks: Sequence[Fork]) -> None:
    """Write down where branches begin. Raises CocoonError where the folder holds other branches."""
    plan = {"run": str(run.absolute()), "forks": [[fork.parent.id, fork.round] for fork in forks]}
    path = out / PLAN
    if path.exists() and json.loads(path.read_text("utf-8")) != plan:
        raise CocoonError(
            f"{out} holds branches of other talks or rounds. Give what it was made with, or another --out."
        )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(path, [json.dumps(plan, ensure_ascii=False).encode()])


def report_of(out: Path, run: Path) -> Report:
    """Write the report of finished branches, and return it."""
    futures, branched = read_futures(out, run)
    return write_branches_report(out, f"Branches of {run.name}", futures, branched)


def read_futures(out: Path, run: Path) -> tuple[list[Future], list[Future]]:
    """Return the futures of a folder of branches with those of their parents, and those of the branches alone."""
    branches = list(read_run(out, "dialogues.jsonl", Dialogue))
    named = {branch.parent for branch in branches}
    parents = [dialogue for dialogue in read_run(run, "dialogues.jsonl", Dialogue) if dialogue.id in named]
    ratings: dict[str, dict[str, list[Rating]]] = defaultdict(lambda: defaultdict(list))
    for folder in (run, out):
        for rating in read_run(folder, "ratings.jsonl", Rating):
            if not rating.not_applicable:
                ratings[rating.dialogue][rating.scale].append(rating)
    rounds = {branch.id: round_of(branch) for branch in branches}
    futures = futures_of(parents, branches, rounds, ratings)
    return futures, futures[len(parents) :]


def round_of(branch: Dialogue) -> int:
    """Return the round whose reply is the first that is not the parent's."""
    before = branch.turns[: branch.branched_at]
    return 1 + sum(turn.role == "supporter" for turn in before[1:])
