"""Trainings of a study side by side, as tasks of Ray: each on a GPU of its own, or with a share of the processors.

A task whose process or node died is started again, and goes on from the training's last checkpoint.
"""

import contextlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.api.progress import people_stream
from cocoon.api.shards.cluster import Cluster, open_cluster
from cocoon.api.shards.task import enter_place, variables_to_send
from cocoon.core.config import HERE, BudgetConfig
from cocoon.core.errors import CocoonError
from cocoon.running.shards.hub import News
from cocoon.running.shards.placement import Placement, placed_replicas
from cocoon.studies.listener import Listener
from cocoon.studies.reproduce.rows import Training
from cocoon.studies.reproduce.run import Trainer
from cocoon.training.fit.sft import train
from cocoon.training.fit.trainer import TrainingStep

_LOOK_EVERY = 0.25
_TELL_EVERY = 15.0
"""Seconds between two lines about the steps of one training."""


@dataclass(frozen=True)
class RayTrainings:
    """Trains on Ray, so many rows at once (None: one on each GPU, or two on processors)."""

    replicas: int | None

    def __call__(self, trainings: Sequence[Training], listener: Listener) -> None:
        """Train what is not trained. Others go on where one fails.

        Raises CocoonError for what could not be trained, when all others have ended.
        """
        # Ray prints for people where the data of the command line goes.
        with contextlib.redirect_stdout(people_stream()), open_cluster(None) as cluster:
            placement = placed_replicas(cluster.nodes, self.replicas, local=True, fixed=cluster.is_own)
            at_once = min(placement.at_once, len(trainings))
            each = f"{placement.gpus} GPU" if placement.gpus else f"{placement.cpus} CPU"
            listener.say(f"Ray trains {len(trainings)} rows, {at_once} at once, each with {each}")
            failures = _Tasks(cluster, placement, listener).work(trainings)
        if failures:
            raise CocoonError("; ".join(failures))


class _Tasks:
    """The trainings under way, and what they tell."""

    def __init__(self, cluster: Cluster, placement: Placement, listener: Listener) -> None:
        self._cluster, self._placement, self._listener = cluster, placement, listener
        self._hub = cluster.start_hub(BudgetConfig(), 1, {})
        self._running: dict[Any, Training] = {}

    def work(self, trainings: Sequence[Training]) -> list[str]:
        """Return what went wrong, once every training has ended. Those under way end with this block."""
        waiting, failures = list(trainings), list[str]()
        variables, here = variables_to_send(os.environ), str(Path.cwd())
        try:
            while waiting or self._running:
                while waiting and len(self._running) < self._placement.at_once:
                    training = waiting.pop(0)
                    task = TrainingTask(training, here, variables)
                    started = self._cluster.start(train_here, self._placement, training.label, task, self._hub)
                    self._running[started] = training
                time.sleep(_LOOK_EVERY)
                for ended in self._cluster.ended(list(self._running)):
                    training, problem = self._running.pop(ended), self._cluster.result_of(ended)
                    failures += [f"{training.label}: {problem}"] if problem else []
                self._tell()
        finally:
            self._cluster.cancel(list(self._running))
        return failures

    def _tell(self) -> None:
        news: News = self._cluster.answer(self._hub.news.remote())
        for line in news.lines:
            self._listener.say(line)


@dataclass(frozen=True)
class TrainingTask:
    """What a node is told of a training: what it is, where relative paths begin, and the settings of its process."""

    training: Training
    working_folder: str
    variables: Mapping[str, str]


def train_here(task: TrainingTask, hub: Any) -> str | None:
    """Train in this process, or go on after a node died. Returns what went wrong, None where nothing did."""
    training, told_at = task.training, 0.0

    def say(text: str) -> None:
        hub.say.remote([f"{training.label}: {text}"])

    def watch(step: TrainingStep) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _TELL_EVERY or step.step == step.steps:
            told_at = time.monotonic()
            loss = "" if step.loss is None else f", loss {step.loss:.3f}"
            say(f"step {step.step} of {step.steps}{loss}")

    # What is printed here would come out where the data of the command line goes.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            enter_place(Path(training.config.dialogues[0]), task.working_folder, task.variables)
            train(training.config, training.folder, watch, say)
        except CocoonError as error:
            return str(error)
    return None


def trainer_of(engine: str, replicas: int | None) -> Trainer | None:
    """Return what trains the rows of a study: Ray, or None for this process, one row after the other."""
    return None if engine == HERE else RayTrainings(replicas)
