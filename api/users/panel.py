"""`panel`: several simulated users crossed with supporters, profiles and judges."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cocoon.api.blocking import blocking
from cocoon.api.reporter import Reporter
from cocoon.api.settings import (
    Profiles,
    Supporters,
    out_folder,
    spec_of,
    supporters_of,
    takes,
    with_own,
    with_profile_files,
)
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.settings import read_settings
from cocoon.core.verb_settings import PANEL, Given, Options
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.reading.former import with_rules_of
from cocoon.running.study import OwnObjects, read_profiles
from cocoon.studies.panel.config import PANEL_ROLES, PanelConfig, panel_users
from cocoon.studies.panel.run import UserPanel
from cocoon.studies.result import StudyResult

__all__ = ["panel", "panel_async"]


def prepare_panel(
    out: str | Path, given: Given[StudyConfig], roles: Mapping[str, object], *, allow_cloud_tracing: bool = False
) -> UserPanel:
    """Return a panel that is ready to start. `roles` are the fields of `PanelConfig`. See `panel`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own, out = OwnObjects(), out_folder(out)
    resolved = with_rules_of(with_own(given, own, out).resolve(), out)
    judges = roles.get("judge")
    listed = judges if isinstance(judges, list | tuple) else [] if judges is None else [judges]
    named = {"judge": [spec_of(judge, own) for judge in listed], "rules": roles.get("rules")}
    if roles.get("user"):
        named["user"] = supporters_of(roles["user"], own)
    config = read_settings(PanelConfig, PANEL_ROLES.by_key(named))
    study = with_profile_files(resolved.config)
    users = panel_users(config, resolved, own)
    of_file = study.judge.model
    specs = list(dict.fromkeys(config.judge or ([of_file] if of_file else [])))
    if not specs:
        raise CocoonError("Nobody judges the panel. Name a judge, such as --judge openai:gpt-5.")
    if config.user:
        study = study.model_copy(update={"user": study.user.model_copy(update={"model": users[0].model})})
    return UserPanel(study, users, specs, read_profiles(study), out, own)


@takes(PANEL_ROLES)
@takes(PANEL)
async def panel_async(
    *,
    out: str | Path,
    user: Supporters = None,
    rules: str | Sequence[str] | None = None,
    judge: object = None,
    profiles: Profiles | None = None,
    supporter: Supporters = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Cross several simulated users with supporters and profiles, judge all of it, and say what moves the scores.

    `user` names the models that play the user (a list, or a mapping of names; a user of your own plays as its code
    does), `rules` the rule sets that each model plays: `attuned`, `naming`, `listening`, `prompted`. `judge` is a
    judge or several. The report (`panel.md`) has variance components, a generalisability coefficient, the order of the
    supporters with each user, what n is needed, and a warning where the choice of the user moves the scores more than
    the supporters do. The same call goes on, and a call with more users adds them.
    """
    roles = {"user": user, "rules": rules, "judge": judge}
    given = Given(PANEL, settings | {"profiles": profiles, "supporter": supporter}, config, None, options)
    study = prepare_panel(out, given, roles, allow_cloud_tracing=allow_cloud_tracing)
    return await study.run(Reporter.of(progress))


panel = blocking(panel_async)
