"""`cocoon steer pairs`: contrastive pairs written by a model, sieved, ready for extraction."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.options import BudgetCalls, CloudTracing, Concurrency, Config, Json, Options, Out, Timeout


def pairs(
    situations: Annotated[
        list[str], typer.Argument(help="JSONL of situations, profiles or dialogues, or shipped:en:SET.")
    ],
    out: Out,
    model: Annotated[str | None, typer.Option(metavar="SPEC", help="The model that writes.")] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", help="Only N situations, one a source.")] = None,
    each: Annotated[int | None, typer.Option(help="Pairs of each situation.")] = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    budget_calls: BudgetCalls = None,
    config: Config = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
    as_json: Json = False,
) -> None:
    """Write each reply as a question and as a statement; what differs in more than that is refused with its reason."""
    from cocoon.cli.local_parts import local_parts
    from cocoon.cli.run_generation import run_generation
    from cocoon.core.config import resolve_as
    from cocoon.core.generation_config import PairsConfig
    from cocoon.core.jsonl import dump_line, write_whole
    from cocoon.core.run_folder import read_run
    from cocoon.graphs.frame import forbid_cloud_tracing
    from cocoon.graphs.pairs import PairsGenerator, SituationPairs, all_pairs
    from cocoon.graphs.study import open_models
    from cocoon.steering.situations import read_situations, spread

    flags = {
        "situations": situations,
        "limit": limit,
        "each": each,
        "writer.model": model,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget.calls": budget_calls,
    }
    settings = resolve_as(PairsConfig, config, options or [], flags).config
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    found = [one for name in settings.situations for one in read_situations(name)]
    chosen = spread(found, settings.limit or len(found), settings.seed)
    models = open_models(settings, local_parts())
    generator = PairsGenerator(settings, models, chosen)
    next_step = f"cocoon steer extract --pairs {out}/pairs.jsonl --kind reply"
    try:
        run_generation(generator, generator.items(), settings, models, Path(out), next_step, as_json)
    finally:
        if (out / generator.kept).exists():
            made = all_pairs(list(read_run(Path(out), generator.kept, SituationPairs)))
            write_whole(Path(out) / "pairs.jsonl", map(dump_line, made))
