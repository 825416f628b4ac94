"""The steering study from Python: pairs, a direction, its coefficient, and the sweep, on tiny models."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.benchmarks.orchestration.run_compare import differences
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.prompts import load_prompt
from cocoon.steering.calibration import calibrate as calibration
from cocoon.steering.directions.direction import Direction
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.tests.commands import endpoint, said, server
from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.steering.test_calibrate import Speaker


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local:{tiny_folder(tmp_path_factory.mktemp('base'), context=8192)}"


@pytest.fixture(scope="module")
def direction(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("direction")
    pairs = folder / "pairs.jsonl"
    write_whole(pairs, map(dump_line, read_pairs("shipped:en")[:24]))
    extracted = cocoon.steer.extract(
        model=base, pairs=str(pairs), kind="reply", band="1", out=folder / "asking.safetensors", progress=False
    )
    assert extracted.report.name == "asking.extraction.json" and extracted.extraction.band == [1]
    return extracted.path


def test_a_direction_says_what_it_was_made_from(base: str, direction: Path) -> None:
    card = Direction.load(direction).card
    assert (card.kind, card.band, card.at) == ("reply", [1], "every")
    assert len(read_pairs(card.pairs)) == 24 and card.chosen_on == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "both"}, "--kind both: choose reply, instruction"),
        ({"preset": "paper", "position": "last"}, "--position last: --preset paper is mean"),
        ({"kind": "reply", "position": "prompt"}, "--position prompt: choose mean, first, last"),
        ({"bands": "1"}, "setting 'bands' is not known. Did you mean 'band'?"),
        ({"max_tokens": 0}, "--max-tokens 0"),
    ],
)
def test_settings_that_do_not_exist_are_named(base: str, tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(CocoonError) as caught:
        cocoon.steer.extract(model=base, out=tmp_path / "x.safetensors", progress=False, **settings)
    assert words in str(caught.value)


def test_a_calibration_gives_the_coefficient_with_its_interval(
    base: str, direction: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "sample_replies", Speaker())
    calibrated = cocoon.steer.calibrate(
        model=base,
        direction=direction,
        ratio=0.5,
        limit=40,
        out=tmp_path / "c.json",
        allow_overlap=True,
        progress=False,
    )
    low, high = calibrated.interval
    assert low <= calibrated.coefficient <= high
    assert calibrated.spec == f"{base}+steer={direction}:{calibrated.coefficient:.4f}"
    assert json.loads((tmp_path / "c.json").read_text("utf-8"))["found"][0]["target"] == 0.5


def test_a_calibration_speaks_under_the_prompt_of_the_study_and_is_not_written_again(
    base: str, direction: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker, own = Speaker(), tmp_path / "prompts" / "supporter"
    monkeypatch.setattr(calibration, "sample_replies", speaker)
    settings: dict[str, Any] = {"model": base, "direction": direction, "ratio": [0.5], "allow_overlap": True}
    settings |= {"out": tmp_path / "c.json", "progress": False}
    cocoon.steer.calibrate(**settings)
    assert speaker.systems == {load_prompt("supporter/plain", "en").render()}
    asked = len(speaker.asked)
    own.mkdir(parents=True)
    (own / "mine.en.md").write_text("---\nid: supporter/mine\nlanguage: en\ninputs: []\n---\nBe short.\n", "utf-8")
    made = cocoon.steer.calibrate(**settings, prompt="mine", prompts=str(tmp_path / "prompts"))
    assert speaker.systems == {load_prompt("supporter/plain", "en").render(), "Be short."}
    prompts: Any = made.calibration.spoke["prompts"]
    assert list(prompts) == ["supporter/mine.en"] and len(speaker.asked) == 2 * asked
    with pytest.raises(CocoonError, match=r"prompt 'supporter/none\.en\.md' does not exist"):
        cocoon.steer.calibrate(**settings, prompt="none")


def swept(base: str, direction: Path, spec: str, out: Path, **settings: Any) -> dict[str, Any]:
    return {
        **{"direction": {"reply": direction}, "coefficient": 0.02, "model": base, "out": out},
        **{"profiles": "shipped:en", "limit": 1, "rounds": 1, "users": "guarded", "user": spec, "appraiser": "rule"},
        **{"judge": spec, "scales": ["success", "comfort"], "repeng": 0, "allow_overlap": True, "progress": False},
        "options": {"form_pairs": 0, "supporters": [{"max_tokens": 12}]},
        **settings,
    }


def test_a_sweep_goes_from_directions_to_a_report_and_goes_on(base: str, direction: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    with endpoint() as spec:
        result = cocoon.steer.sweep(**swept(base, direction, spec, out, placebo=True, random=2))
        assert (result.exit_code, result.stopped_by) == (0, None)
        before = (out / "users" / "guarded" / "dialogues.jsonl").read_bytes()
        # Without kinds of user, a folder goes on with those that it has.
        again = cocoon.steer.sweep(**swept(base, direction, spec, out, placebo=True, random=2, users=None))
    assert result.report is not None and again.report == result.report
    assert (out / "users" / "guarded" / "dialogues.jsonl").read_bytes() == before
    arms = [row.labels[1] for row in result.report.tables[0].rows]
    assert arms[:2] == ["plain", "reply 0.02"] and "random 1 for reply 0.02" in arms
    for name in ("sweep.md", "sweep.html", "tables/sweep_trends.csv", "figures/figure_four_all.svg"):
        assert (out / name).is_file()


def test_the_shards_of_a_sweep_share_its_directions_and_end_in_one_report(
    base: str, direction: Path, tmp_path: Path
) -> None:
    out = tmp_path / "sweep"
    with endpoint() as spec:
        settings = swept(base, direction, spec, out, placebo=True, random=1, users=None, limit=2)
        single = cocoon.steer.sweep(**settings)
        out.rename(tmp_path / "single")
        shared = cocoon.steer.sweep(**settings, shard="any/2")
        with pytest.raises(CocoonError, match=r"shard 1/2: the shards of a sweep share.*--shard any/2 and one --out"):
            cocoon.steer.sweep(**settings, shard="1/2")
    assert shared.report is not None and shared.exit_code == 0
    for user in ("guarded", "prompted"):
        assert differences(tmp_path / "single" / "users" / user, out / "users" / user) == []
        assert cocoon.verify(out / "users" / user).ok
    assert single.report is not None and shared.report.tables == single.report.tables


async def test_a_sweep_leaves_a_running_event_loop_free(base: str, direction: Path, tmp_path: Path) -> None:
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.01)
            ticks.append(1)

    ticking = asyncio.ensure_future(tick())
    with endpoint() as spec:
        settings = swept(base, direction, spec, tmp_path / "sweep", placebo=False, budget_calls=1)
        result = await cocoon.steer.sweep_async(**settings)
    ticking.cancel()
    assert result.exit_code == 3 and isinstance(result.stopped_by, CocoonError)
    assert ticks and result.report is not None


def test_a_user_of_ones_own_meets_every_arm(base: str, direction: Path, tmp_path: Path) -> None:
    def user(conversation: object) -> str:
        return "I do not know."

    settings = swept(base, direction, "unused", tmp_path / "s", users=None, user=user, appraiser=None, judge=None)
    settings |= {"scales": None, "placebo": False}
    result = cocoon.steer.sweep(**settings)
    assert result.exit_code == 0 and result.report is not None
    assert dict(result.report.facts)["Users"] == "own"


def test_pairs_are_written_by_a_model(tmp_path: Path) -> None:
    good = {"question": "What do you miss the most?", "statement": "You miss something the most."}
    with server(lambda _: said(json.dumps({"pairs": [good]}))) as spec:
        pairs = cocoon.steer.write_pairs(
            situations=["shipped:en:choose"], limit=2, writer=spec, out=tmp_path / "pairs", progress=False
        )
    assert pairs.outcome.exit_code == 0
    assert [pair.question for pair in read_pairs(str(tmp_path / "pairs" / "pairs.jsonl"))] == [good["question"]] * 2


def test_a_direction_becomes_a_control_vector_and_comes_back(base: str, direction: Path, tmp_path: Path) -> None:
    assert cocoon.steer.export_vector(direction, out=tmp_path / "d.gguf") == (1,)
    back = cocoon.steer.import_vector(tmp_path / "d.gguf", model=base, out=tmp_path / "back.safetensors")
    assert back.layers == (1,) and (tmp_path / "back.safetensors").is_file()
    with pytest.raises(CocoonError, match="--at sometimes: choose every, starts"):
        cocoon.steer.import_vector(tmp_path / "d.gguf", model=base, out=tmp_path / "x.safetensors", at="sometimes")


def test_a_checkpoint_is_folded_only_from_a_direction(base: str, tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match="the model names no direction"):
        cocoon.steer.fold(base, out=tmp_path / "folded")
