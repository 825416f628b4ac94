"""`asking`: the study of what a question does within a talk."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cocoon.api.blocking import blocking
from cocoon.api.reporter import Reporter
from cocoon.api.settings import Supporters, out_folder, spec_of, takes, with_own
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.settings import read_settings
from cocoon.core.verb_settings import Given, Options
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.study import OwnObjects, Study, open_models
from cocoon.studies.asking.config import ASKED, ASKING, AskingConfig
from cocoon.studies.asking.run import Asking, plan_asking
from cocoon.studies.result import StudyResult

if TYPE_CHECKING:
    from cocoon.api.run import Run

__all__ = ["asking", "asking_async", "prepare_asking"]


def prepare_asking(
    run: "str | Path | Run",
    out: str | Path,
    given: Given[StudyConfig],
    asked: dict[str, object],
    *,
    allow_cloud_tracing: bool = False,
) -> Asking:
    """Return a study of asking that is ready to start. See `asking`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    parent, out, own = Path(run) if isinstance(run, str | Path) else run.path, out_folder(out), OwnObjects()
    writer = spec_of(asked["writer"], own, "writer") if asked.get("writer") is not None else None
    config = read_settings(AskingConfig, {**asked, "writer": writer})
    if out.exists() and out.samefile(parent):
        raise CocoonError(f"--out {out}: the study needs a folder of its own, beside the run whose talks it takes")
    stored = given.config if given.config is not None else parent / "config.yaml"
    resolved = with_own(replace(given, config=stored), own, out).resolve()
    study = Study(resolved.config, open_models(resolved.config, local_parts()), own)
    return plan_asking(parent, study, config, out, own=given.keywords.get("supporter") is None)


@takes(ASKED)
@takes(ASKING)
async def asking_async(
    run: "str | Path | Run",
    *,
    out: str | Path,
    supporter: Supporters = None,
    user: object = None,
    judge: object = None,
    writer: object = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Ask or say the same at turns drawn from the talks of a run, and compare what comes of it.

    At each drawn turn a model writes the content of the supporter's reply as a question and as a statement. Both are
    checked for form and meaning. The talks go on from either, `samples` times, under every one of the trust `rules`.
    The report (`asking.md`) has the effect on the user's next turn and on the end, with intervals over people, beside
    a finished `sweep` where one is given. The same call goes on.
    """
    asked = {name: settings.pop(name) for name in list(settings) if name in AskingConfig.model_fields}
    roles = {"supporter": supporter, "user": user, "judge": judge}
    given = Given(ASKING, settings | roles, config, None, options)
    study = prepare_asking(run, out, given, {**asked, "writer": writer}, allow_cloud_tracing=allow_cloud_tracing)
    return await study.make(Reporter.of(progress))


asking = blocking(asking_async)
