"""The steering study from Python: contrastive pairs, written by a model."""

from pathlib import Path
from typing import Any

from cocoon.api.building import KEYWORDS, Building, Built
from cocoon.api.reporter import Reporter
from cocoon.api.running import blocking
from cocoon.api.settings import Options, Sources, flags_of
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.running.building.config import PairsConfig
from cocoon.running.building.pairs import PairsGenerator, SituationPairs, all_pairs
from cocoon.running.folder import read_run
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.study import open_models
from cocoon.steering.pairs.situations import read_situations, spread_situations

PAIR_KEYWORDS = KEYWORDS | {"situations": "situations", "each": "each"}


async def write_pairs_async(
    *,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: Any,
) -> Built:
    """Write each reply as a question and as a statement, into `out`/pairs.jsonl. See `cocoon steer pairs`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    out = Path(out)
    resolved = Sources(config, None, options).resolve(PairsConfig, flags_of(settings, PAIR_KEYWORDS))
    situations = [situation for name in resolved.situations for situation in read_situations(name)]
    chosen = spread_situations(situations, resolved.limit or len(situations), resolved.seed)
    models = open_models(resolved, local_parts())
    generator = PairsGenerator(resolved, models, chosen)
    next_step = f"cocoon steer extract --pairs {out}/pairs.jsonl --kind reply"
    try:
        return await Building(out, generator, generator.items(), resolved, models, next_step, {}).build(progress)
    finally:
        if (out / generator.kept).exists():
            pairs = all_pairs(list(read_run(out, generator.kept, SituationPairs)))
            write_whole(out / "pairs.jsonl", map(dump_line, pairs))


write_pairs = blocking(write_pairs_async)
