"""Panels of simulated users: planted variance components against those found, and the scores that SAGE published.

    python -m cocoon.benchmarks.evaluation.panel [--studies 2000] [--sage FOLDER]

`--sage` names the folder `SAGE/dataset` of github.com/Tencent/digitalhuman (MIT): two simulators, six supporters.
"""

import argparse
import json
import math
from collections.abc import Mapping
from itertools import combinations, product
from pathlib import Path

import numpy as np

from cocoon.core.jsonl import read_lines
from cocoon.evaluation.statistics.generalisability import CROSS, FACETS, PanelScore, crossed_components
from cocoon.reports.formats.markdown import render_markdown
from cocoon.studies.panel.report import panel_report

SIZES = {"supporter": 6, "user": 6, "profile": 8, "judge": 5, "sample": 1}
PLANTED = {
    **{"supporter": 1.0, "user": 1.5, "profile": 2.0, "judge": 0.8, "supporter x user": 0.6, "user x profile": 0.5},
    **{"supporter x profile": 0.7, "supporter x judge": 0.4, "user x judge": 0.3, "profile x judge": 0.4},
    **{"supporter x user x profile": 0.9, "residual": 1.2},
}
SIMULATORS = ("deepseek-v3-2024-1227", "gpt-4o-2024-0806")
SUPPORTERS = ("claude3.7-think", "claude3.7", "deepseek-v3-1227", "gpt-4o-080[68]", "llama3.3-70b", "openai-o1")


def planted_scores(
    planted: Mapping[str, float], sizes: Mapping[str, int], draw: np.random.Generator, missing: float = 0.0
) -> list[PanelScore]:
    """Return the scores of a panel whose effects have these variances. A share of them is missing."""
    levels = list(product(*(range(sizes[name]) for name in (*FACETS, "sample"))))
    shape = tuple(sizes[name] for name in (*FACETS, "sample"))
    values = draw.normal(0, math.sqrt(planted.get("residual", 0.0)), shape)
    for size in range(1, len(FACETS) + 1):
        for effect in combinations(FACETS, size):
            variance = planted.get(CROSS.join(effect), 0.0)
            own = tuple(sizes[name] if name in effect else 1 for name in FACETS)
            values = values + draw.normal(0, math.sqrt(variance), (*own, 1))
    values[draw.random(shape) < missing] = math.nan
    return [
        PanelScore(f"s{s}", f"u{u}", f"p{p:03}", f"j{j}", r, _score(values[s, u, p, j, r])) for s, u, p, j, r in levels
    ]


def _score(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def recovered(studies: int, seed: int, missing: float = 0.0) -> dict[str, float]:
    """Return the mean over drawn panels of each component that was found."""
    draw = np.random.default_rng(seed)
    found = [crossed_components(planted_scores(PLANTED, SIZES, draw, missing)) or {} for _ in range(studies)]
    return {name: float(np.mean([study[name] for study in found])) for name in found[0]}


def sage_scores(folder: Path) -> list[PanelScore]:
    """Return the last emotion of every trace of the supporters that both simulators met, 0 to 100."""
    return [
        PanelScore(supporter, simulator, str(trace["id"]), "emotion", 0, float(trace["emo_point"]))
        for simulator in SIMULATORS
        for supporter in SUPPORTERS
        for path in (folder / f"{simulator}_based_simulator").glob(f"{supporter}_result.jsonl")
        for _, trace in read_lines(path)
    ]


def main() -> None:
    """Print what was planted and found, and the report on SAGE's traces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2_000)
    parser.add_argument("--sage", type=Path)
    arguments = parser.parse_args()
    for missing in (0.0, 0.1):
        means = recovered(arguments.studies, 1, missing)
        off = {name: round(100 * (means[name] / variance - 1), 1) for name, variance in PLANTED.items()}
        print(f"{arguments.studies} panels, {missing:.0%} missing: error of the mean in %: {json.dumps(off)}")
    if arguments.sage is not None:
        print(render_markdown(panel_report("SAGE", {"emotion": sage_scores(arguments.sage)})))


if __name__ == "__main__":
    main()
