"""What a run will take before it starts: calls, tokens, cost and hosts. No model is opened. Tokens are estimates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cocoon.agents.users.trust import TrustGate
from cocoon.core.config import StudyConfig
from cocoon.core.records import Language
from cocoon.evaluation.scales.files import load_scale, load_scales
from cocoon.evaluation.scales.records import Scale
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.models.by_name import check_spec, host_of
from cocoon.models.ledger import BATCH_SHARE, Ledger, Usage
from cocoon.running.checks.form_invariance import form_calls

# Characters of a turn, of a filled system prompt, of an appraisal and of a judge's prompt: means over the shipped
# prompts and profiles.
TURN, SYSTEM, APPRAISAL, JUDGEMENT, VERDICT = 180, 2600, 4200, 3800, 150
CHARACTERS = 4
"""Characters that are taken for a token."""


def judges_wanted(config: StudyConfig) -> int:
    """Calls that judging takes for each dialogue: `success` has two modes, some scales ask each item on its own."""
    if config.judge.model is None:
        return 0
    scales = load_scales(map(Path, config.scale_files))
    return sum(_calls(name, scales) for name in config.judge.scales) * config.judge.votes


def appraises(config: StudyConfig) -> bool:
    """Return whether a model is asked to appraise each reply that the user hears."""
    return config.user.kind == "guarded" and config.user.appraiser != "rule"


def _calls(name: str, scales: Mapping[str, Scale]) -> int:
    if name in (PAPER, ATTRIBUTED, "success"):
        return 2 if name == "success" else 1
    # Raises CocoonError for a name that no scale has.
    scale = scales.get(name) or load_scale(name)
    return len(scale.items) if scale.ask == "each" else 1


def estimate(
    config: StudyConfig, dialogues: int, *, talking: bool = True, languages: Sequence[Language] = ()
) -> dict[str, Any]:
    """Return the expected calls, tokens (estimated), cost (None unless every paid model has a price) and hosts.

    `dialogues` are to be made and judged. Without `talking` they exist and are only judged. `languages` are those in
    which the form invariance of the appraiser is measured.
    """
    expected = expected_ledger(config, dialogues, talking=talking, languages=languages)
    return {"dialogues": dialogues, "calls": expected.calls, **expected_cost(expected, batched=config.batch)}


def estimates_of_runs(
    configs: Sequence[StudyConfig], dialogues: int, languages: Sequence[Language]
) -> list[dict[str, Any]]:
    """Return the estimates of runs of so many dialogues each, which measure no appraiser twice."""
    measured = set[tuple[str, bool]]()
    parts: list[dict[str, Any]] = []
    for config in configs:
        measures = appraises(config) and measured_appraiser(config) not in measured
        parts.append(estimate(config, dialogues, languages=languages if measures else ()))
        measured |= {measured_appraiser(config)} if measures else set()
    return parts


def measured_appraiser(config: StudyConfig) -> tuple[str, bool]:
    """Return what a form invariance is measured of: the appraiser's model, and whether its prompt asks for moves."""
    return config.user.appraiser or config.user.model, TrustGate(rules=config.user.rules).sees_moves


def summed_estimates(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what runs take together. The cost is None where that of one is not known."""
    costs = [part["cost_estimated"] for part in parts]
    counts = ("dialogues", "calls", "tokens_in_estimated", "tokens_out_estimated")
    return {
        **{name: sum(part[name] for part in parts) for name in counts},
        "cost_estimated": None if None in costs else sum(costs),
        "hosts": sorted({host for part in parts for host in part["hosts"]}),
    }


def expected_ledger(
    config: StudyConfig, dialogues: int, *, talking: bool = True, languages: Sequence[Language] = ()
) -> Ledger:
    """Return the calls and tokens that are expected of each model. See `estimate`."""
    usages = [*(_talking(config, dialogues, languages) if talking else ()), *_judging(config, dialogues)]
    return Ledger.of(usages, config.prices)


def expected_usage(
    model: str, calls: int, characters_in: float, characters_out: float, *, batched: bool = False
) -> Usage:
    """Return calls of a model whose prompts and replies have so many characters each."""
    tokens_in, tokens_out = (round(calls * number / CHARACTERS) for number in (characters_in, characters_out))
    return Usage(model, calls, tokens_in, tokens_out, batched=batched)


def expected_cost(expected: Ledger, *, batched: bool) -> dict[str, Any]:
    """Return the tokens, cost and hosts of what is expected, as they are printed.

    Raises CocoonError for a model whose spec cannot be read, as the run itself would.
    """
    for spec in expected.accounts:
        check_spec(spec)
    return {
        **({"price_share": BATCH_SHARE} if batched else {}),
        "tokens_in_estimated": expected.tokens_in,
        "tokens_out_estimated": expected.tokens_out,
        "cost_estimated": None if expected.cost is None else round(expected.cost, 2),
        "hosts": sorted({host for model in expected.accounts if (host := host_of(model))}),
    }


def _talking(config: StudyConfig, dialogues: int, languages: Sequence[Language]) -> Iterator[Usage]:
    rounds, prompt = config.rounds, SYSTEM + config.rounds * TURN
    each = dialogues // len(config.supporters)
    for supporter in config.supporters:
        yield expected_usage(supporter.model, each * rounds, prompt, TURN)
    yield expected_usage(config.user.model, dialogues * rounds, prompt, TURN)
    if appraises(config):
        appraised = dialogues * max(0, rounds - 1) + form_calls(languages, config.form_pairs)
        appraiser = config.user.appraiser or config.user.model
        yield expected_usage(appraiser, appraised, APPRAISAL + rounds * TURN, VERDICT)


def _judging(config: StudyConfig, dialogues: int) -> Iterable[Usage]:
    calls = dialogues * judges_wanted(config)
    if config.judge.model is None:
        return []
    characters = JUDGEMENT + config.rounds * 2 * TURN
    return [expected_usage(config.judge.model, calls, characters, VERDICT, batched=config.batch)]
