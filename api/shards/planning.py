"""`plan`: what a study takes on one machine and on several."""

from collections.abc import Sequence
from pathlib import Path

from cocoon.api.settings import takes, with_profile_files
from cocoon.core.config import resolve
from cocoon.core.settings import read_settings
from cocoon.running.scale.plan import PLAN, PlanConfig, PlanRow, plan_study

__all__ = ["PlanRow", "plan"]


@takes(PLAN)
def plan(
    study: str | Path, *, like: str | Path | None = None, options: Sequence[str] = (), **settings: object
) -> list[PlanRow]:
    """Return calls, time and money of a study on each number of machines, by a model of its queues.

    `study` is a YAML file of settings as for `simulate`, and `options` are settings of it as `-o` takes them. No model
    is asked. With `like`, a small run of the same models, seconds, repeats and tokens are those that were measured.
    """
    config = resolve(Path(study), list(options)).config
    assumed = {**PLAN.by_key(settings), "like": None if like is None else Path(like)}
    return plan_study(with_profile_files(config), read_settings(PlanConfig, assumed))
