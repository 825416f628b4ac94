"""The steering study from Python: contrastive pairs, written by a model."""

from pathlib import Path

from cocoon.api.building import Building, Built
from cocoon.api.reporter import Reporter
from cocoon.api.running import blocking
from cocoon.api.settings import out_folder, takes
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.verb_settings import Given, Options
from cocoon.running.building.config import STEER_PAIRS, PairsConfig
from cocoon.running.building.pairs import PairsGenerator, SituationPairs, all_pairs
from cocoon.running.folder import read_run
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.study import open_models
from cocoon.steering.pairs.situations import read_situations, spread


async def build_pairs(
    out: str | Path,
    given: Given[PairsConfig],
    *,
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
) -> Built:
    """Write the pairs of settings as a verb was given them. See `write_pairs`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    out = out_folder(out)
    resolved = given.resolve().config
    situations = [situation for name in resolved.situations for situation in read_situations(name)]
    chosen = spread(situations, resolved.limit or len(situations), resolved.seed)
    models = open_models(resolved, local_parts())
    generator = PairsGenerator(resolved, models, chosen)
    next_step = f"cocoon steer extract --pairs {out}/pairs.jsonl --kind reply"
    try:
        return await Building(out, generator, generator.items(), resolved, models, next_step, {}).build(progress)
    finally:
        if (out / generator.kept).exists():
            pairs = all_pairs(list(read_run(out, generator.kept, SituationPairs)))
            write_whole(out / "pairs.jsonl", map(dump_line, pairs))


@takes(STEER_PAIRS)
async def write_pairs_async(
    *,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> Built:
    """Write each reply as a question and as a statement, into `out`/pairs.jsonl. See `cocoon steer pairs`."""
    given = Given(STEER_PAIRS, settings, config, None, options)
    return await build_pairs(out, given, allow_cloud_tracing=allow_cloud_tracing, progress=progress)


write_pairs = blocking(write_pairs_async)
