"""`cocoon judge`: ratings of dialogues that are there, on scales and by success."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json
from cocoon.cli.terminal.results import finish, print_estimate
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.config import HERE, StudyConfig
from cocoon.core.model_spec import split_specs
from cocoon.core.verb_settings import JUDGE, Given


@settings_of(JUDGE)
def judge(
    run: Annotated[
        list[Path],
        typer.Argument(metavar="RUN|FILE...", help="A run folder, or files of dialogues (then --out names the run)."),
    ],
    given: Given[StudyConfig],
    judges: Annotated[
        str | None,
        typer.Option(metavar="SPEC,SPEC", help="Several judges, one after the other; see docs/guide/judging.md."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where ratings of plain dialogues files go.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Of each file, judge N dialogues drawn at random (default: all).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the sample.")] = None,
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Judge a run. Ratings that are there, by the same judge and prompts, are kept and not asked again."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.shards.workers import sharing_of
    from cocoon.api.simulation import estimate_judging, judge_as, judged_folder, prepare_judging

    specs, sharing = _specs(given.keywords["judge"], judges), sharing_of(given)
    if sharing.is_shared and (dry_run or len(specs) > 1):
        what = "a worker (any/N)" if sharing.engine == HERE else "--engine ray"
        raise typer.BadParameter(f"{what} rates with one judge and does not count calls. Leave the other out.")
    some_failed = False
    for spec in specs:
        settings = given.and_also(judge=spec)
        if dry_run:
            folder = judged_folder(run, out, sample, seed, sharing.shard)
            study = prepare_judging(folder, settings, allow_cloud_tracing=allow_cloud_tracing)
            print_estimate(estimate_judging(study, folder), as_json)
            continue
        rated = judge_as(run, settings, out, sample, seed, allow_cloud_tracing=allow_cloud_tracing)
        try:
            finish(wait_for(rated), as_json)
        except typer.Exit as ended:
            # What one judge failed at is no reason to keep the next one from rating.
            if ended.exit_code != 1:
                raise
            some_failed = True
    if some_failed:
        raise typer.Exit(1)


def _specs(judge: object, judges: str | None) -> list[str]:
    """Return the judges' specs, each once, in the order given."""
    named = [*([str(judge)] if judge else []), *(split_specs(judges) if judges else [])]
    specs = list(dict.fromkeys(spec.strip() for spec in named if spec.strip()))
    if not specs:
        raise typer.BadParameter("name a judge: --judge SPEC, or --judges SPEC,SPEC")
    return specs
