"""Ray: one on this machine, which listens to nobody else, or the cluster of `RAY_ADDRESS`."""

import functools
import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from cocoon.api.shards.task import ShardEnd, ShardTask, make_shard
from cocoon.core.config import BudgetConfig
from cocoon.core.errors import CocoonError
from cocoon.core.extras import EXTRAS, install_line
from cocoon.running.shards.hub import Amounts, Hub
from cocoon.running.shards.placement import Placement
from cocoon.running.shards.shard import Shard

_ADDRESS = "RAY_ADDRESS"
_LOOPBACK = "127.0.0.1"
_OBJECT_STORE = 80 * 1024 * 1024
"""Bytes. Nothing large is sent: what shards make stays in their folders."""
_MOST_DEATHS = 10
"""How often a shard's process or node may die. It goes on from its journal each time."""
_UNWANTED = {"RAY_USAGE_STATS_ENABLED": "0"}
# Ray takes the loopback address for its own only where it thinks that there can be no cluster.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


class Cluster:
    """Ray, connected. `is_own` says whether it was started for this run alone."""

    def __init__(self, ray: Any, is_own: bool) -> None:
        self._ray = ray
        self.is_own = is_own

    @property
    def nodes(self) -> list[Mapping[str, float]]:
        """The resources of every node that is alive."""
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def start_hub(self, budget: BudgetConfig, shards: int, spent: Mapping[int, Amounts]) -> Any:
        """Start the hub on this node, whose end is the end of the run anyway."""
        strategies = import_module("ray.util.scheduling_strategies")
        node = self._ray.get_runtime_context().get_node_id()
        here = strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        return self._ray.remote(Hub).options(num_cpus=0, scheduling_strategy=here).remote(budget, shards, spent)

    def start_shard(self, task: ShardTask, shard: Shard, hub: Any, placement: Placement) -> Any:
        """Start the task that makes a shard, and return what stands for its end."""
        try:
            return self.start(make_shard, placement, f"shard {shard}", task, shard.index, hub)
        except TypeError as error:
            raise CocoonError(
                f"an agent of this program cannot be sent to other processes ({error.__cause__ or 'see above'}). "
                "Put it into a file, and name it: python:FILE.py:NAME"
            ) from None

    def start(self, work: Callable[..., Any], placement: Placement, name: str, *arguments: Any) -> Any:
        """Start a task on a node, and return what stands for its end."""
        # Ray runs a task again whose process or node has died.
        options = {"max_retries": _MOST_DEATHS, "scheduling_strategy": "SPREAD", "name": name}
        remote = self._ray.remote(work).options(num_cpus=placement.cpus, num_gpus=placement.gpus, **options)
        return remote.remote(*arguments)

    def cancel(self, running: Sequence[Any]) -> None:
        """End tasks at once."""
        for task in running:
            self._ray.cancel(task, force=True)

    def ended(self, running: Sequence[Any]) -> list[Any]:
        """Return those of the tasks under way that have ended."""
        return self._ray.wait(list(running), num_returns=len(running), timeout=0)[0] if running else []

    def end_of(self, ended: Any) -> ShardEnd:
        """Return how a shard ended. Raises what was raised in its process."""
        result = self.result_of(ended)
        return ShardEnd(stopped_by=CocoonError(result), refused=True) if isinstance(result, str) else result

    def result_of(self, ended: Any) -> Any:
        """Return what a task has returned, or in words that its process was lost. Raises what was raised in a task."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(ended)
        except errors.RayTaskError:
            raise
        except errors.RayError as error:
            return f"its process was lost ({str(error).splitlines()[0]}). Give the same command to go on."

    def answer(self, asked: Any) -> Any:
        """Return what the hub answers."""
        return self._ray.get(asked)


@contextmanager
def open_cluster(processors: int | None) -> Iterator[Cluster]:
    """Yield Ray: the one that this program has connected to, that of `RAY_ADDRESS`, or one started for the block.

    The latter has at least so many processors, whatever the machine has. Raises CocoonError where Ray is not installed,
    or cannot be reached.
    """
    if not EXTRAS["ray"].installed:
        raise CocoonError(f"--engine ray needs Ray, which is not installed; install with `{install_line('ray')}`")
    address = os.environ.get(_ADDRESS, "")
    if address.startswith("ray://"):
        raise CocoonError(
            f"{_ADDRESS}={address}: Ray's client is not used. Start the command on a node of the cluster, such as with "
            "`ray job submit`, and give the address as HOST:PORT."
        )
    with _variables(_UNWANTED if address else {**_UNWANTED, **_ALONE, "RAY_AUTH_TOKEN": _token()}):
        ray = import_module("ray")
        if ray.is_initialized():
            yield Cluster(ray, is_own=False)
            return
        with _signals_kept():
            _connect(ray, address, processors)
        try:
            yield Cluster(ray, is_own=not address)
        finally:
            with _signals_kept():
                ray.shutdown()


def _connect(ray: Any, address: str, processors: int | None) -> None:
    listens = ray.util.get_node_ip_address()
    if not address and listens != _LOOPBACK:
        raise CocoonError(
            f"a Ray of this program would listen on {listens}, because ray was imported before. Call ray.init yourself."
        )
    quiet: dict[str, Any] = {"logging_level": logging.WARNING, "include_dashboard": None if address else False}
    try:
        if address:
            ray.init(address=address, **quiet)
            return
        processors = None if processors is None else max(processors, len(os.sched_getaffinity(0)))
        ray.init(address="local", num_cpus=processors, object_store_memory=_OBJECT_STORE, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"{_ADDRESS}={address}" if address else "a local Ray"
        raise CocoonError(f"{where}: cannot be reached or started ({str(error).splitlines()[0]})") from None


@functools.cache
def _token() -> str:
    """Return the secret of this program's own Ray, which reads it once. It is in no file."""
    return secrets.token_hex(32)


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep what this program does at a signal, which Ray sets for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
