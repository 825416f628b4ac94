"""How the shards of a run are placed on the nodes of a cluster."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cocoon.core.errors import CocoonError


@dataclass(frozen=True)
class Placement:
    """How many shards are made at once, and what is set aside for each of them. `room` is how many fit now."""

    at_once: int
    room: int
    cpus: int = 1
    gpus: int = 0

    @property
    def share(self) -> str:
        """What each of them has, for people."""
        return f"{self.gpus} GPU" if self.gpus else f"{self.cpus} CPU"


def placed_replicas(
    nodes: Sequence[Mapping[str, float]], replicas: int | None, *, local: bool, fixed: bool
) -> Placement:
    """Return the placement of so many replicas on nodes with some resources (`CPU`, `GPU`).

    Shards with local models have a GPU each, where there are any, and share the processors of their node otherwise.
    Shards that talk to endpoints hardly need a processor, so that there is one for each node, and at least two.

    Raises CocoonError where the nodes are `fixed`, and the replicas do not fit.
    """
    cpus = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1] or [1]
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if local and gpus:
        placement, what = Placement(replicas or gpus, gpus, gpus=1), "GPUs, one for each replica of a local model"
    else:
        at_once = replicas or max(2, len(cpus))
        each = max(1, min(cpus) // math.ceil(at_once / len(cpus))) if local else 1
        placement, what = Placement(at_once, sum(here // each for here in cpus), each), "processors"
    if fixed and replicas is not None and replicas > placement.room:
        raise CocoonError(f"--replicas {replicas}: there are {placement.room} {what}. Give at most {placement.room}.")
    return placement
