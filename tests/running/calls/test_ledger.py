"""Dry run, progress, budget, report and the endpoint's own count say the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cocoon.core.jsonl import read_lines
from cocoon.reports.runs import facts_of_run
from cocoon.running.checks.form_invariance import PREFIX
from cocoon.running.manifest import read_manifest
from cocoon.tests.commands import cocoon
from cocoon.tests.counted import CountingServer, counting_server

PRICE = (2.0, 8.0, 0.5)
PAIRS = 4


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    monkeypatch.setenv("COCOON_API_KEY", "none")
    with counting_server() as server:
        yield server


def talk(server: CountingServer, *more: str) -> list[str]:
    prices = json.dumps({server.spec: PRICE})
    return [
        *("simulate", "--profiles", "shipped", "-n", "4", "--rounds", "3", "--concurrency", "4"),
        *("--user", server.spec, "--supporter", server.spec, "-o", f"form_pairs={PAIRS}", "-o", f"prices={prices}"),
        *more,
    ]


@pytest.mark.parametrize("kind", ["guarded", "prompted"])
@pytest.mark.parametrize("judged", [True, False])
def test_five_counts_of_one_run_are_equal(counting: CountingServer, tmp_path: Path, kind: str, judged: bool) -> None:
    out = tmp_path / "run"
    judge = ["--judge", counting.spec, "--scales", "success,basic,comfort"] if judged else []
    line = talk(counting, "--user-kind", kind, *judge, "--out", str(out), "--json")
    expected = cocoon(*line, "--dry-run").json
    stopped = cocoon(*line, "--budget-calls", str(expected["calls"] - 1))
    assert stopped.code == 3 and counting.counts["calls"] == expected["calls"] - 1
    first = stopped.json
    # The budget that the whole run needs is enough to finish it, and not a call more is asked.
    second = cocoon(*line, "--budget-calls", str(expected["calls"])).json
    facts = facts_of_run(out)
    assert first["calls"] + second["calls"] - second["replayed"] == expected["calls"] == counting.counts["calls"]
    assert facts["calls"] == counting.counts["calls"]
    assert (second["tokens_in"], second["tokens_cached"], second["tokens_out"]) == tuple(
        counting.counts[name] for name in ("tokens_in", "tokens_cached", "tokens_out")
    )
    assert (facts["prompt_tokens"], facts["cached_tokens"]) == (second["tokens_in"], second["tokens_cached"])
    assert facts["cost"] == pytest.approx(counting.cost(PRICE))
    assert second["cost"] == pytest.approx(counting.cost(PRICE), abs=1e-4)


def test_a_budget_goes_to_dialogues_before_the_appraiser_is_measured(counting: CountingServer, tmp_path: Path) -> None:
    out = tmp_path / "run"
    line = talk(counting, "--out", str(out), "--json")
    calls = cocoon(*line, "--dry-run").json["calls"]
    done = cocoon(*line, "--budget-calls", str(calls - 2 * PAIRS))
    assert done.code == 3 and done.json["dialogues"] == 4
    manifest = read_manifest(out)
    assert manifest is not None and manifest.form_invariance is None


def test_conditions_of_an_ablation_measure_one_appraiser_once(counting: CountingServer, tmp_path: Path) -> None:
    out = tmp_path / "study"
    names = ["full", "no-memory", "full@guarded-hard"]
    done = cocoon(
        *("ablate", "--profiles", "shipped:en", "-n", "1", "--rounds", "1", "--conditions", ",".join(names)),
        *("--user", counting.spec, "--supporter", counting.spec, "--judge", counting.spec),
        *("-o", f"form_pairs={PAIRS}", "--out", str(out)),
    )
    assert done.code in (0, 1), done.err
    appraisals = sum("last turn" in prompt[-1]["content"].lower() for prompt in counting.prompts)
    runs = [out / "conditions" / name for name in names]
    measured = [manifest.form_invariance for run in runs if (manifest := read_manifest(run))]
    assert appraisals == 2 * PAIRS and measured[0] == measured[1] == measured[2] is not None
    calls = [facts_of_run(run)["calls"] for run in runs]
    assert calls[0] >= 2 + 2 * PAIRS and calls[1:] == [2, 2]
    lines = [line for _, line in read_lines(runs[1] / "trace.jsonl")]
    assert not any(line["dialogue"].startswith(PREFIX) for line in lines)
