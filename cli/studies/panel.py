"""`cocoon panel`: several simulated users by several supporters, and whose choice moves the scores."""

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.settings import COMPARED, settings_of
from cocoon.core.config import StudyConfig
from cocoon.core.verb_settings import PANEL, Given
from cocoon.studies.panel.config import PANEL_ROLES, PanelConfig


@settings_of(PANEL)
@settings_of(PANEL_ROLES, into=COMPARED, sources=False)
def panel(
    out: Out,
    given: Given[StudyConfig],
    compared: Given[PanelConfig],
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let every user talk with every supporter, have every judge rate, and report. The same line goes on."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.reporter import Reporter
    from cocoon.api.users.panel import prepare_panel
    from cocoon.cli.terminal.results import finish_study, print_estimate

    study = prepare_panel(out, given, compared.keywords, allow_cloud_tracing=allow_cloud_tracing)
    if dry_run:
        print_estimate(study.estimate(), as_json)
        return
    written = f"{out}/panel.md, panel.html, tables/; the runs stand in {out}/users"
    finish_study(wait_for(study.run(Reporter())), as_json, written)
