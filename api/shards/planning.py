"""`plan` and `serve_plan`: what a study takes on machines, and the line that starts its model server."""

from collections.abc import Sequence
from pathlib import Path

from cocoon.api.settings import takes, with_profile_files
from cocoon.core.config import resolve
from cocoon.core.settings import read_settings
from cocoon.running.scale.plan import PLAN, PlanConfig, PlanRow, plan_study
from cocoon.studies.serve_plan import SERVE_PLAN, ServePlan, ServePlanConfig, plan_server, study_to_serve

__all__ = ["PlanRow", "ServePlan", "plan", "serve_plan"]


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


@takes(SERVE_PLAN)
def serve_plan(
    study: str | Path, *, out: str | Path | None = None, options: Sequence[str] = (), **settings: object
) -> ServePlan:
    """Return the line that starts vLLM for a study, and the specs of its models at that server. No model is loaded.

    `study` is a YAML file of settings as for `simulate` or `reproduce`, and `options` are settings of it as `-o` takes
    them. `out` is the folder of the reproduction whose adapters are served.
    """
    served, base = study_to_serve(Path(study), list(options), None if out is None else Path(out))
    return plan_server(served, base, read_settings(ServePlanConfig, SERVE_PLAN.by_key(settings)))
