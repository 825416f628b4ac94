"""Branches of a run: plan, futures, report. The words before a branch are neither spoken nor paid for again."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cocoon.agents.writers.moves import REFUSED
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Dialogue, Failure, Rating
from cocoon.graphs.forks import Fork, forks_of
from cocoon.models.by_name import check_spec, host_of
from cocoon.reports.tables.records import Report
from cocoon.running.estimate import appraises, estimate, judges_wanted
from cocoon.running.folder import existing_run, read_run
from cocoon.running.session import Outcome, simulate
from cocoon.running.shards.shard import Shard
from cocoon.running.study import Study, with_trained_prompts
from cocoon.studies.branches.config import MovesConfig, open_movers
from cocoon.studies.branches.credit import Future, futures_of
from cocoon.studies.branches.enough import level_of, looks, unclear
from cocoon.studies.branches.given import moves_given
from cocoon.studies.branches.report import BranchedRun, write_branches_report
from cocoon.studies.listener import Listener
from cocoon.studies.result import StudyResult

PLAN = "branches.json"


@dataclass
class Branching:
    """Branches that are ready to be made. No model is opened yet. `forks` are where the talks of `run` are left.

    `beside` are folders of branches of the same forks, whose moves need not be written again.
    """

    run: Path
    study: Study
    forks: list[Fork]
    out: Path
    moves: MovesConfig = field(default_factory=MovesConfig)
    beside: Sequence[Path] = ()

    @property
    def own_forks(self) -> list[Fork]:
        """Where the talks are left whose people are of this shard, all of them without one."""
        shard = Shard.of(self.study.config.shard)
        return shard.part_of(self.forks, lambda fork: fork.parent.profile.id) if shard else self.forks

    @property
    def dialogues(self) -> int:
        """How many branches there will be at most."""
        return self.study.config.samples * sum(map(self._supporters, self.own_forks))

    def _supporters(self, fork: Fork) -> int:
        return 1 if fork.only else len(self.study.config.supporters)

    def estimate(self) -> dict[str, Any]:
        """Return what the branches will take: calls, tokens and cost (estimated), hosts.

        With `enough` it is the most that they may take.
        """
        config = self.study.config
        whole = estimate(config, len(config.supporters))
        share = sum(map(self._calls, self.own_forks))
        scaled = {key: value * share / whole["calls"] for key, value in whole.items() if isinstance(value, int | float)}
        counts = {key: round(value) for key, value in scaled.items() if key != "cost_estimated"}
        hosts = sorted({*whole["hosts"], *self._hosts_of_writer()})
        return whole | scaled | counts | {"dialogues": self.dialogues, "calls": share, "hosts": hosts}

    def _hosts_of_writer(self) -> list[str]:
        """Return where the model that writes the moves would send text."""
        if self.moves.writer is None or not any(map(self.moves.calls_of, self.moves.arms)):
            return []
        check_spec(self.moves.writer)
        host = host_of(self.moves.writer)
        return [host] if host else []

    def _calls(self, fork: Fork) -> int:
        config = self.study.config
        # A supporter's reply a round, and between two of them the user's answer with its appraisal.
        rest = max(0, config.rounds - fork.round + 1)
        replies = rest - 1 if fork.move else rest
        spoken = max(0, replies) + max(0, rest - 1) * (2 if appraises(config) else 1)
        branches = config.samples * self._supporters(fork)
        written = 0 if self.beside else self.moves.calls_of(fork.move)
        return written + branches * (spoken + judges_wanted(config))

    async def make(self, listener: Listener) -> StudyResult:
        """Make every branch, and write the report. Calling this again goes on. A shard has no report."""
        outcome = await self.talk(listener)
        if outcome.stopped_by is not None:
            listener.say(f"cocoon: {outcome.stopped_by}")
            return StudyResult(self.out, None, outcome.exit_code, outcome.stopped_by)
        # A shard alone says nothing about the run.
        report = report_of(self.out, self.run) if self.study.config.shard is None else None
        return StudyResult(self.out, report, outcome.exit_code, None)

    async def talk(self, listener: Listener) -> Outcome:
        """Make every branch. With `enough`, only those that are needed."""
        study = self.study
        keep_plan(self.out, self.run, self.forks, self.moves)
        for opened in (study.user, study.judges, study.supporters):
            opened()
        movers = open_movers(study, self.moves)
        study.config = with_trained_prompts(study)
        listener.unnamed(study.config)
        listener.hosts(study.models)
        profiles = list({fork.parent.profile.id: fork.parent.profile for fork in self.forks}.values())
        beside = [self.run, *self.beside]
        most = study.config.samples
        counts = [most] if self.moves.enough is None else looks(most)
        forks = [replace(fork, samples=counts[0]) for fork in self.forks]
        while True:
            outcome = await simulate(
                study, profiles, self.out, listener.watch(), beside=beside, forks=forks, movers=movers
            )
            following = [] if outcome.stopped_by is not None else self._more(forks, counts)
            if following == forks or not following:
                return outcome
            forks = following

    def _more(self, forks: Sequence[Fork], counts: Sequence[int]) -> list[Fork]:
        """Return the forks with the futures that each needs, which are more where the answer is not clear yet."""
        if self.moves.enough is None:
            return list(forks)
        counted = {fork.name: fork.samples or 0 for fork in forks}
        futures, _ = read_futures(self.out, self.run)
        seen = [future for future in futures if future.arm is None or future.sample < counted.get(future.fork, 0)]
        needed = unclear(forks, seen, self.moves.outcome, self.moves.enough, level_of(len(counts)))
        now = max(counted.values())
        after = next((count for count in counts if count > now), now)
        return [replace(fork, samples=after) if fork.samples == now and fork.name in needed else fork for fork in forks]


def read_forks(run: Path, rounds: Sequence[int] | None, moves: MovesConfig, *, own: bool) -> list[Fork]:
    """Return where the talks of a run are left, and with which moves. With `own` each goes on with its supporter."""
    existing_run(run)
    dialogues = read_run(run, "dialogues.jsonl", Dialogue)
    forks = [
        Fork(fork.parent, fork.round, fork.parent.supporter if own else None, move)
        for fork in forks_of(dialogues, rounds)
        for move in moves.arms
    ]
    if not forks:
        asked = "any round" if rounds is None else f"round {', '.join(map(str, rounds))}"
        raise CocoonError(f"{run}: no dialogue has a supporter's reply in {asked} to branch from")
    return forks


def keep_plan(out: Path, run: Path, forks: Sequence[Fork], moves: MovesConfig) -> None:
    """Write down where branches begin. Raises CocoonError where the folder holds other branches."""
    places = dict.fromkeys((fork.parent.id, fork.round) for fork in forks)
    plan: dict[str, Any] = {"run": str(run.absolute()), "forks": list(map(list, places))}
    if moves.move:
        plan |= moves.model_dump(mode="json", include={"move", "writer", "meaning"})
    path = out / PLAN
    if path.exists() and json.loads(path.read_text("utf-8")) != plan:
        raise CocoonError(
            f"{out} holds branches of other talks or rounds, or other moves. Give what it was made with, or another "
            "--out."
        )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(path, [json.dumps(plan, ensure_ascii=False).encode()])


def report_of(out: Path, run: Path) -> Report:
    """Write the report of finished branches, and return it."""
    futures, branched = read_futures(out, run)
    refused = sum(failure.reason == REFUSED for failure in read_run(out, "failures.jsonl", Failure))
    moves = {talk.id: moves_given(talk) for talk in read_run(run, "dialogues.jsonl", Dialogue)}
    return write_branches_report(out, f"Branches of {run.name}", BranchedRun(futures, branched, moves, refused))


def branched_run(out: Path) -> Path | None:
    """Return the run whose talks a folder of branches leaves, None for a folder of other dialogues."""
    plan = out / PLAN
    return Path(json.loads(plan.read_text("utf-8"))["run"]) if plan.exists() else None


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
