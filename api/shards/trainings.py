"""Trainings of a study side by side, as tasks of Ray: each on a GPU of its own, or with a share of the processors.

A task whose process or node died is started again, and goes on from the training's last checkpoint.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cocoon.api.progress import people_stream
from cocoon.api.shards.cluster import Cluster, open_cluster
from cocoon.api.shards.task import enter_place, variables_to_send
from cocoon.core.config import HERE, BudgetConfig
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.outside.interrupts import stop_requests
from cocoon.core.text import printable_line
from cocoon.running.shards.hub import News
from cocoon.running.shards.placement import Placement, placed_replicas
from cocoon.studies.listener import Listener
from cocoon.studies.reproduce.rows import Training
from cocoon.studies.reproduce.run import Trainer, train_in_turn
from cocoon.training.adapters.card import read_card
from cocoon.training.fit.sft import train
from cocoon.training.fit.trainer import TrainingStep

_LOOK_EVERY = 0.25
_TELL_EVERY = 15.0
"""Seconds between two lines about the steps of one training."""
_ASK_EVERY = 0.5
_MOST_RESTARTS = 10
"""How often a training is started again that a signal stopped on its node."""


@dataclass(frozen=True)
class RayTrainings:
    """Trains on Ray, so many rows at once (None: one on each GPU, or two on processors)."""

    replicas: int | None

    def __call__(self, trainings: Sequence[Training], listener: Listener) -> None:
        """Train what is not trained. Others go on where one fails.

        Raises CocoonError for what could not be trained, when all others have ended, and StoppedError after a signal.
        """
        undone = [training for training in trainings if read_card(training.folder) is None]
        if not undone:
            # It says so for each, and trains none.
            train_in_turn(trainings, listener)
            return
        # Ray prints for people where the data of the command line goes.
        with contextlib.redirect_stdout(people_stream()), open_cluster(None) as cluster:
            placement = placed_replicas(cluster.nodes, self.replicas, local=True, fixed=cluster.is_own)
            at_once = min(placement.at_once, len(undone))
            listener.say(f"Ray trains {len(undone)} rows, {at_once} at once, each with {placement.share}")
            failures = _Tasks(cluster, placement, listener).work(undone)
        if failures:
            raise CocoonError("; ".join(failures))


class _Tasks:
    """The trainings under way, and what they tell."""

    def __init__(self, cluster: Cluster, placement: Placement, listener: Listener) -> None:
        self._cluster, self._placement, self._listener = cluster, placement, listener
        self._hub = cluster.start_hub(BudgetConfig(), 1, {})
        self._waiting: list[Training] = []
        self._running: dict[Any, Training] = {}
        self._restarts: Counter[str] = Counter()
        self._signals: list[int] = []
        self._failures: list[str] = []

    def work(self, trainings: Sequence[Training]) -> list[str]:
        """Return what went wrong, once every training has ended.

        The first signal has those under way save their step and stop. Raises StoppedError then, and at once at the
        second, which ends them.
        """
        self._waiting, is_stopping = list(trainings), False
        try:
            with stop_requests(self._signals.append):
                while self._waiting or self._running:
                    self._start()
                    time.sleep(_LOOK_EVERY)
                    for ended in self._cluster.ended(list(self._running)):
                        self._take(self._running.pop(ended), self._end_of(ended))
                    for line in self._news().lines:
                        self._listener.say(line)
                    if self._signals.count(signal.SIGINT) > 1:
                        break
                    if self._signals and not is_stopping:
                        is_stopping = True
                        self._listener.say("stopping: the steps under way are finished and saved")
                        self._waiting.clear()
                        self._cluster.answer(self._hub.stop.remote())
        finally:
            self._cluster.cancel(list(self._running))
        if self._signals:
            raise StoppedError("stopped; the same command goes on from the last step that was saved", self._signals[0])
        return self._failures

    def _start(self) -> None:
        variables, here = variables_to_send(os.environ), str(Path.cwd())
        while self._waiting and len(self._running) < self._placement.at_once:
            training = self._waiting.pop(0)
            task = TrainingTask(training, here, variables)
            started = self._cluster.start(train_here, self._placement, training.label, task, self._hub)
            self._running[started] = training

    def _take(self, training: Training, end: "TrainingEnd | str") -> None:
        if isinstance(end, str):
            self._failures.append(f"{training.label}: {end}")
        elif end.stopped and not self._signals and self._restarts[training.label] < _MOST_RESTARTS:
            # Its node is going away, and another one can go on with it.
            self._restarts[training.label] += 1
            self._waiting.append(training)
        elif end.problem is not None:
            self._failures.append(f"{training.label}: {end.problem}")

    def _end_of(self, ended: Any) -> "TrainingEnd | str":
        """Return how a task ended. One that failed before it could train, as on a node without cocoon, says so."""
        try:
            return self._cluster.result_of(ended)
        except Exception as error:
            return printable_line(f"{type(error).__name__}: {getattr(error, 'cause', error)}", 500)

    def _news(self) -> News:
        return self._cluster.answer(self._hub.news.remote())


@dataclass(frozen=True)
class TrainingTask:
    """What a node is told of a training: what it is, where relative paths begin, and the settings of its process."""

    training: Training
    working_folder: str
    variables: Mapping[str, str]


@dataclass(frozen=True)
class TrainingEnd:
    """How a training ended: what went wrong, or that a signal or the hub `stopped` it after a step."""

    problem: str | None = None
    stopped: bool = False


def train_here(task: TrainingTask, hub: Any) -> TrainingEnd:
    """Train in this process, or go on after a node died, until it is done or the hub says to stop."""
    training, told_at = task.training, 0.0

    def say(text: str) -> None:
        hub.say.remote([f"{training.label}: {text}"])

    def watch(step: TrainingStep) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _TELL_EVERY or step.step == step.steps:
            told_at = time.monotonic()
            loss = "" if step.loss is None else f", loss {step.loss:.3f}"
            say(f"step {step.step} of {step.steps}{loss}")

    def stop(number: int) -> None:
        # Nothing is trained yet, or any more.
        raise StoppedError("stopped before its first step; the same command goes on", number)

    # What is printed here would come out where the data of the command line goes.
    with contextlib.redirect_stdout(sys.stderr), stop_requests(stop), _obeying(hub):
        try:
            enter_place(Path(training.config.dialogues[0]), task.working_folder, task.variables)
            train(training.config, training.folder, watch, say)
        except StoppedError as error:
            return TrainingEnd(str(error), stopped=True)
        except CocoonError as error:
            return TrainingEnd(str(error))
        except Exception as error:
            # Such as a device without enough memory. It is no reason to lose the other rows.
            return TrainingEnd(printable_line(f"{type(error).__name__}: {error}", 500))
    return TrainingEnd()


@contextlib.contextmanager
def _obeying(hub: Any) -> Iterator[None]:
    """Send this process SIGTERM when the hub says to stop, as a system would that takes the node away."""
    ended, ray = threading.Event(), import_module("ray")

    def ask() -> None:
        while not ended.wait(_ASK_EVERY):
            if ray.get(hub.is_stopping.remote()):
                os.kill(os.getpid(), signal.SIGTERM)
                return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        yield
    finally:
        ended.set()
        asking.join()


def trainer_of(engine: str, replicas: int | None) -> Trainer | None:
    """Return what trains the rows of a study: Ray, or None for this process, one row after the other."""
    return None if engine == HERE else RayTrainings(replicas)
