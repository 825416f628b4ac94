"""Calibrated coefficients beside other people's replies: error, floor, trend, and going on after a kill."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cocoon.steering.calibration import calibrate as calibration
from cocoon.steering.calibration.behaviour import Arm, SampledReply, Speaking, behaviour, sample_replies
from cocoon.steering.calibration.calibrate import Guards
from cocoon.steering.calibration.check import check_of, sampling_floor
from cocoon.steering.calibration.detector import labels_of, trust
from cocoon.steering.control.control import Control
from cocoon.steering.pairs.situations import Said, Situation, read_situations, spread_situations
from cocoon.tests.steering.steered import direction_for, tiny_family
from cocoon.tests.steering.test_calibrate import Speaker, labels, reply
from cocoon.tests.steering.test_extract import weights_of

TARGETS = {0.1: 0.01, 0.3: 0.02, 0.5: 0.03, 0.7: 0.04}


def replies(off: float = 0.0, slope: float = 0.0, people: int = 200) -> list[SampledReply]:
    """Two replies of each person at each target, whose ratio is off by so much."""
    drawn = np.random.default_rng(3)
    return [
        reply(
            int(drawn.random() < target + off + slope * (target - 0.4)),
            situation=f"s{person}",
            unit=f"p{person}",
            sample=sample,
            coefficient=coefficient,
        )
        for target, coefficient in TARGETS.items()
        for person in range(people)
        for sample in range(2)
    ]


@pytest.mark.parametrize(("share", "count"), [(0.1, 400), (0.5, 400), (0.7, 12)])
def test_the_floor_is_the_mean_error_of_a_perfect_coefficient(share: float, count: int) -> None:
    drawn = np.abs(np.random.default_rng(0).binomial(count, share, 40_000) / count - share).mean()
    assert sampling_floor(share, count) == pytest.approx(drawn, rel=0.03)
    assert sampling_floor(0.0, count) == sampling_floor(0.5, 0) == 0.0


def test_a_perfect_coefficient_is_off_by_no_more_than_chance() -> None:
    checks, transfer = check_of(TARGETS, replies(), None)
    assert [check.replies for check in checks] == [400] * 4 and [check.people for check in checks] == [200] * 4
    assert transfer.mean_error < 2 * transfer.mean_floor and transfer.slope_interval is not None
    assert transfer.slope_interval[0] < 0 < transfer.slope_interval[1]
    for check in checks:
        assert check.interval[0] < check.error < check.interval[1] and check.ratio == check.detector


def test_an_error_that_grows_with_the_target_is_a_trend_with_its_sign() -> None:
    checks, transfer = check_of(TARGETS, replies(slope=-0.4), None)
    assert checks[0].error > 0 > checks[-1].error
    assert transfer.slope_interval is not None and transfer.slope_interval[1] < 0


def test_a_reader_counts_fewer_and_the_detector_stands_beside() -> None:
    reader = trust(labels(40, 30, 20, 2))
    checks, _ = check_of(TARGETS, replies(), reader)
    for check in checks:
        assert check.ratio == pytest.approx(0.75 * check.detector)
        assert check.floor < sampling_floor(check.target / 0.75, check.replies)


def test_shipped_labels_are_taken_only_where_they_belong() -> None:
    card = direction_for(tiny_family("Llama")).card.model_copy(update={"kind": "instruction", "model": "smollm2"})
    assert labels_of(card, "starts") == "shipped:en"
    assert labels_of(card, "every") is None
    assert labels_of(card.model_copy(update={"kind": "reply"}), "starts") is None
    assert labels_of(card.model_copy(update={"model": "other"}), "starts") is None


def talk(person: str, replies_before: int) -> Situation:
    turns = [
        Said(role="supporter" if number % 2 else "user", content="words") for number in range(2 * replies_before + 1)
    ]
    return Situation(id=f"{person}.{replies_before}", language="en", talk=turns, source=person)


def test_people_give_moments_in_turn_and_no_moment_twice() -> None:
    talks = [talk(person, before) for person in ("a", "b", "c") for before in range(6)]
    chosen = spread_situations(talks, 7, each=3)
    assert len({situation.id for situation in chosen}) == 7
    assert sorted(situation.unit for situation in chosen[:3]) == ["a", "b", "c"]
    assert {situation.replies >= 3 for situation in chosen[:4]} == {True, False}
    assert len(spread_situations(talks, 7)) == 3


class KilledError(Exception):
    """Stands for a kill between two batches."""


def test_replies_that_were_kept_before_a_kill_are_not_written_again() -> None:
    weights = weights_of(tiny_family("Llama"))
    arms = [Arm("plain"), Arm("steered", 0.8, Control(direction_for(weights.network)))]
    situations, speaking = read_situations("shipped:en:choose")[:3], Speaking(max_tokens=5, batch_size=4)
    whole = sample_replies(weights, situations, arms, 2, speaking)
    kept: list[SampledReply] = []

    def keep(written: Sequence[SampledReply]) -> None:
        kept[:] = written
        raise KilledError

    with pytest.raises(KilledError):
        sample_replies(weights, situations, arms, 2, speaking, keep=keep)
    assert len(kept) == 4
    rest = sample_replies(weights, situations, arms, 2, speaking, known={one.key for one in kept})
    written: dict[Any, str] = {one.key: one.text for one in [*kept, *rest]}
    assert len(rest) == 8 and written == {one.key: one.text for one in whole}


def coherent(share: float, count: int) -> list[SampledReply]:
    return [reply(1, openings=[f"o{n}"], read=True, coherent=n < share * count) for n in range(count)]


def test_the_guard_ends_the_window_where_a_judge_finds_less_sense() -> None:
    plain = behaviour(coherent(0.9, 40))
    assert (plain.coherent, plain.judged, plain.unjudged) == (0.9, 40, 0)
    assert "a judge finds 50%" in (Guards().passed(behaviour(coherent(0.5, 40)), plain, 10) or "")
    assert Guards().passed(behaviour(coherent(0.85, 40)), plain, 10) is None
    unread = behaviour([reply(1, openings=[f"o{n}"], read=True) for n in range(40)])
    assert (unread.coherent, unread.unjudged) == (None, 40)
    assert Guards().passed(unread, plain, 10) is None, "missing answers are no verdict"


def test_a_judge_reads_the_same_situations_at_every_coefficient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "sample_replies", Speaker())
    weights: Any = weights_of(tiny_family("Llama"))
    seen: dict[float, list[str]] = {}

    def read(given: Sequence[tuple[Situation, SampledReply]]) -> list[bool | None]:
        for situation, one in given:
            assert situation.id == one.situation
            seen.setdefault(one.coefficient, []).append(one.situation)
        return [one.coefficient < 0.05 for _, one in given]

    situations = read_situations("shipped:en:calibrate")
    control = Control(direction_for(weights.network))
    made, _ = calibration.calibrate(weights, control, situations, [0.3], samples=2, step=0.01, read=read)
    assert {tuple(each) for each in seen.values()} == {tuple(seen[0.0])} and len(seen[0.0]) == 40
    assert made.window[1] < 0.05
    assert any(tried.behaviour.coherent == 0.0 and "judge" in (tried.outside or "") for tried in made.tried) or (
        max(tried.coefficient for tried in made.tried) < 0.05
    )
