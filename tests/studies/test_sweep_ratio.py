"""A sweep over ratios: coefficients found on talks of the study, one resumable line, achieved ratios in the report."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.core.errors import CocoonError
from cocoon.core.prompts import load_prompt
from cocoon.running.manifest import read_manifest
from cocoon.steering.calibration import calibrate as calibration
from cocoon.steering.calibration.calibrate import Calibration
from cocoon.steering.calibration.detector import trust
from cocoon.steering.calibration.on_situations import CalibrateConfig
from cocoon.steering.control.starts import SentenceMarks
from cocoon.studies.sweep.config import SweepConfig
from cocoon.studies.sweep.plan import SteerFile, plan_arms, read_plan
from cocoon.studies.sweep.records import observations
from cocoon.studies.sweep.report import comfort_figure, sweep_report
from cocoon.studies.sweep.talks import with_talks
from cocoon.studies.sweep.targets import target_table
from cocoon.tests.commands import cocoon as run_cocoon
from cocoon.tests.commands import endpoint
from cocoon.tests.models.local.tiny_models import tiny_folder, tiny_network
from cocoon.tests.steering.steered import direction_for
from cocoon.tests.steering.test_calibrate import Speaker, labels, truth
from cocoon.tests.studies.test_sweep import plan, sweep

TARGETS = [0.3, 0.6]


class KilledError(Exception):
    """Stands for a kill while replies are written."""


class Interrupted(Speaker):
    """Is killed after its first batch of doses was written and kept."""

    def __call__(self, *given: Any, keep: Any, **more: Any) -> Any:
        def keep_and_die(written: Any) -> None:
            keep(written)
            raise KilledError

        return super().__call__(*given, keep=keep_and_die, **more)


@pytest.fixture
def served() -> Iterator[str]:
    with endpoint() as spec:
        yield spec


def settings(tmp_path: Path, spec: str) -> dict[str, Any]:
    base, file = tmp_path / "base", tmp_path / "asking.safetensors"
    if not base.exists():
        tiny_folder(base, context=8192)
        direction_for(tiny_network()).save(file)
    return {
        **{"direction": {"asking": file}, "ratio": TARGETS, "model": f"local:{base}", "out": tmp_path / "s"},
        **{"profiles": "shipped:en", "limit": 4, "rounds": 2, "users": "guarded", "user": spec, "appraiser": "rule"},
        **{"judge": spec, "scales": ["success", "comfort"], "placebo": False, "repeng": 0, "allow_overlap": True},
        **{"moments": 8, "progress": False, "options": {"form_pairs": 0, "supporters": [{"max_tokens": 12}]}},
    }


def sessions(run: Path) -> list[Any]:
    manifest = read_manifest(run)
    assert manifest is not None
    return manifest.sessions


def test_one_line_calibrates_and_sweeps_and_goes_on_after_a_kill_anywhere(
    tmp_path: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = settings(tmp_path, served), tmp_path / "s"
    stopped = cocoon.steer.sweep(**given, budget_calls=5)
    assert stopped.stopped_by is not None and stopped.report is None and not (out / "sweep.json").exists()
    killed = Interrupted()
    monkeypatch.setattr(calibration, "sample_replies", killed)
    with pytest.raises(KilledError):
        cocoon.steer.sweep(**given)
    speaker = Speaker()
    monkeypatch.setattr(calibration, "sample_replies", speaker)
    result = cocoon.steer.sweep(**given)
    assert result.exit_code == 0 and result.report is not None
    assert killed.asked and not set(killed.asked) & set(speaker.asked), "replies that were kept are not written again"
    assert speaker.systems == {load_prompt("supporter/plain", "en").render()}
    asked = len(speaker.asked)
    again = cocoon.steer.sweep(**given)
    assert again.report == result.report and len(speaker.asked) == asked
    talks = out / "calibration" / "users" / "guarded"
    assert all(session.paid_again == 0 for run in (talks, out / "users" / "guarded") for session in sessions(run))
    steered = [arm for arm in read_plan(out).arms if arm.kind == "steered"]
    assert [arm.ratio for arm in steered] == TARGETS
    for arm in steered:
        assert abs(float(truth(arm.coefficient)) - (arm.ratio or 0)) < 0.2
    found = Calibration.model_validate_json((out / "calibration" / "asking.json").read_text("utf-8"))
    assert found.people == 4 and found.spoke["max_tokens"] == 12
    targets = next(table for table in result.report.tables if table.id == "targets")
    assert [row.cells["Target"] for row in targets.rows] == TARGETS
    other_ratio: dict[str, Any] = {**given, "ratio": [0.5]}
    other_moments: dict[str, Any] = {**given, "moments": 9}
    with pytest.raises(CocoonError, match=r"holds another sweep \(--ratio\)"):
        cocoon.steer.sweep(**other_ratio)
    with pytest.raises(CocoonError, match=r"holds another sweep \(--moments\)"):
        cocoon.steer.sweep(**other_moments)


def test_moments_and_the_way_of_speaking_are_taken_from_a_run_or_a_sweep(tmp_path: Path) -> None:
    sweep(tmp_path / "s", plan(["guarded", "prompted"]))
    config, moments = with_talks(CalibrateConfig(ratio=[0.3], talks=str(tmp_path / "s")))
    assert moments and len({moment.id for moment in moments}) == len(moments), "no moment of two users has one name"
    assert (config.prompt, config.max_tokens) == ("plain", 200)
    one_run = str(tmp_path / "s" / "users" / "guarded")
    own, of_run = with_talks(CalibrateConfig(ratio=[0.3], talks=one_run, prompt="listen", max_tokens=50))
    assert of_run and len(of_run) < len(moments) and (own.prompt, own.max_tokens) == ("listen", 50)
    with pytest.raises(CocoonError, match="holds no dialogues"):
        with_talks(CalibrateConfig(ratio=[0.3], talks=str(tmp_path)))
    with pytest.raises(CocoonError, match="Leave one of them out"):
        with_talks(CalibrateConfig(ratio=[0.3], talks=one_run, situations="shipped:en:choose"))


def test_the_axis_of_the_figure_has_the_readers_ratio_with_its_interval(tmp_path: Path) -> None:
    file = SteerFile("instruction", Path("/d/i.safetensors"), {0.02: 0.3, 0.04: 0.6})
    made = plan(["guarded"]).model_copy(
        update={"arms": plan_arms("local:tiny", [file], []), "readers": {"instruction": trust(labels(40, 30, 20, 2))}}
    )
    sweep(tmp_path, made)
    # Profiles that differ, so that there is an interval.
    found = [
        replace(row, ratio=0.1 * number, only_marked=0.0, affective=4.0)
        for number, row in enumerate(row for row in observations(tmp_path, made) if row.arm.name == "instruction 0.04")
    ]
    chart: Any = comfort_figure(made, found, "f", "all", lambda _: True).chart
    assert chart.panels[0].x_axis.endswith("by a reader")
    top = chart.panels[0].series[0].marks[-1]
    assert top.x == pytest.approx(0.75 * 0.15) and top.x_low < top.x < top.x_high
    table = target_table(made, found)
    cells: Any = table.rows[1].cells
    assert cells["Achieved"].value == pytest.approx(top.x) and cells["Error"] == pytest.approx(top.x - 0.6)
    assert cells["Detector"].value == pytest.approx(0.15) and 0 < cells["Chance alone"] < 0.2
    assert "targets" in [each.id for each in sweep_report(tmp_path).tables]


def test_every_direction_has_coefficients_of_its_own_and_negative_ones_stand_below_the_plain_model() -> None:
    files = [
        SteerFile("instruction", Path("/d/i.safetensors"), {-0.01: 0.1, 0.02: 0.5}),
        SteerFile("reply", Path("/d/r.safetensors"), {0.05: 0.1, 0.09: 0.5}),
    ]
    arms = plan_arms("local:b", files, [])
    steered = [(arm.direction, arm.coefficient, arm.ratio) for arm in arms if arm.kind == "steered"]
    assert steered == [
        ("instruction", -0.01, 0.1),
        ("instruction", 0.02, 0.5),
        ("reply", 0.05, 0.1),
        ("reply", 0.09, 0.5),
    ]
    assert {arm.direction: arm.coefficient for arm in arms if arm.kind == "history"} == {
        "instruction": 0.02,
        "reply": 0.09,
    }


def test_one_direction_stands_in_two_rows_where_sentences_begin_and_at_every_token(tmp_path: Path) -> None:
    file = tmp_path / "d.safetensors"
    made = direction_for(tiny_network())
    marks = SentenceMarks(ends=[30], between=[70])
    replace(made, card=made.card.model_copy(update={"at": "starts", "marks": marks})).save(file)
    config = SweepConfig(direction=[f"starts={file}", f"every={file}+at=every"], coefficient=[0.02])
    assert {name: direction.card.at for name, direction in config.directions().items()} == {
        "starts": "starts",
        "every": "every",
    }
    with pytest.raises(CocoonError, match=r"\+at=every"):
        SweepConfig(direction=[f"{file}+at=middle"], coefficient=[0.02]).directions()
    with pytest.raises(CocoonError, match="Leave one of them out"):
        SweepConfig(direction=[f"{file}+at=every"], coefficient=[0.02], at="starts")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "Give --coefficient or --ratio, one of the two"),
        (["--coefficient", "0.02", "--ratio", "0.3"], "Give --coefficient or --ratio, one of the two"),
        (["--coefficient", "0.02", "--labels", "shipped:en"], "--labels says how coefficients are found"),
        (["--ratio", "1.5"], "--ratio 1.5 is not a share"),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(tmp_path: Path, given: list[str], words: str) -> None:
    done = run_cocoon(
        "steer",
        "sweep",
        "--direction",
        "x.safetensors",
        "--profiles",
        "shipped:en",
        "--out",
        str(tmp_path / "s"),
        *given,
    )
    assert done.code == 2 and words in done.err and "Traceback" not in done.err


def test_a_dry_run_counts_the_talks_that_are_calibrated_on(tmp_path: Path) -> None:
    file = tmp_path / "i.safetensors"
    direction_for(tiny_network()).save(file)
    given = ["steer", "sweep", "--direction", str(file), "--profiles", "shipped:en", "-n", "3", "--rounds", "2"]
    given += ["--user", "http://127.0.0.1:9/v1#m", "--appraiser", "rule", "--users", "guarded", "--no-placebo"]
    given += ["--judge", "http://127.0.0.1:9/v1#m", "--scales", "success,comfort", "--repeng", "0"]
    given += ["--ratio", "0.1", "--ratio", "0.5", "--out", str(tmp_path / "s"), "--dry-run", "--json"]
    told = json.loads(run_cocoon(*given).out)
    calls = 2 * 2 + 3
    assert (told["arms"], told["dialogues"], told["calls"]) == (6, 3 * 7, 3 * (6 * calls + 2 * 2))
    read = json.loads(run_cocoon(*given, "--coherence", "http://127.0.0.1:9/v1#judge").out)
    assert read["calls"] - told["calls"] == 2 * 3 * 6
