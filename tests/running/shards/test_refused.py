"""Folders that are not the shards of one run are refused, each in one line that says what is wrong."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cocoon
from cocoon.core.errors import CocoonError
from cocoon.running.folder import RunFolder
from cocoon.tests.commands import cocoon as command
from cocoon.tests.commands import endpoint


@pytest.fixture(scope="module")
def spec() -> Iterator[str]:
    with endpoint() as url:
        yield url


def make(spec: str, out: Path, shard: str | None, **changes: object) -> Path:
    settings = {"profiles": "shipped:en", "limit": 4, "rounds": 1, "supporter": spec, "user": spec} | changes
    cocoon.simulate(**settings, user_kind="prompted", out=out, shard=shard, progress=False)  # pyright: ignore[reportArgumentType]
    return out


@pytest.fixture(scope="module")
def halves(spec: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Both shards of a run, which the tests copy and do not change."""
    place = tmp_path_factory.mktemp("halves")
    return make(spec, place / "s1", "1/2"), make(spec, place / "s2", "2/2")


Second = Callable[[str, Path], Path]
OTHERS: dict[str, tuple[Second, str]] = {
    "missing": (lambda spec, out: make(spec, out, "3/3"), r"other is one of 3 shards, and .*s1 one of 2"),
    "overlap": (
        lambda spec, out: make(spec, out, "1/2"),
        r"s1 and .*other are both shard 1 of 2. Leave one",
    ),
    "whole": (lambda spec, out: make(spec, out, None), r"other is no shard of a run. Give folders that were made with"),
    "settings": (lambda spec, out: make(spec, out, "2/2", rounds=2), r"different settings than .*\(rounds: 1, now 2\)"),
    "people": (lambda spec, out: make(spec, out, "2/2", limit=2), r"different settings than .*\(limit: 4, now 2\)"),
    "other people": (
        lambda spec, out: make(spec, out, "2/2", profiles="shipped:zh"),
        r"was made for other people, supporters or samples than .*s1",
    ),
    "judge": (
        lambda spec, out: make(spec, out, "2/2", judge=spec, scales=["comfort"]),
        r"different settings .*judge\)",
    ),
    "stopped": (lambda spec, out: make(spec, out, "2/2", budget_calls=4), r"other has not come to its end. Give its"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_does_not_fit_the_first_shard_is_told_in_one_line(
    name: str, halves: tuple[Path, Path], spec: str, tmp_path: Path
) -> None:
    second, message = OTHERS[name]
    other = second(spec, tmp_path / "other")
    with pytest.raises(CocoonError, match=rf"^[^\n]*{message}[^\n]*$"):
        cocoon.merge(halves[0], other, out=tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_missing_shard_is_named(halves: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match=r"^of 2 shards these are missing: 1. Give their folders too.$"):
        cocoon.merge(halves[1], out=tmp_path / "m")
    assert command("merge", str(halves[1]), "--out", str(tmp_path / "m")).code == 2


def test_shards_that_only_one_judge_rated_are_told(halves: tuple[Path, Path], spec: str, tmp_path: Path) -> None:
    first, second = (Path(shutil.copytree(path, tmp_path / path.name)) for path in halves)
    cocoon.judge(first, spec, ["comfort"], progress=False)
    with pytest.raises(CocoonError, match=r"s2 was made with another agent than .*s1 \(judge "):
        cocoon.merge(first, second, out=tmp_path / "m")
    cocoon.judge(second, spec, ["comfort"], progress=False)
    cocoon.merge(first, second, out=tmp_path / "m")
    assert len(cocoon.Run(tmp_path / "m").ratings) == 4 and cocoon.verify(tmp_path / "m").ok


def test_a_folder_that_holds_a_run_or_is_worked_on_is_left_alone(halves: tuple[Path, Path], tmp_path: Path) -> None:
    cocoon.merge(*halves, out=tmp_path / "m")
    with pytest.raises(CocoonError, match=r"m holds a run already \(manifest.json\). Name another --out"):
        cocoon.merge(*halves, out=tmp_path / "m")
    busy = Path(shutil.copytree(halves[1], tmp_path / "busy"))
    folder = RunFolder(busy)
    try:
        with pytest.raises(CocoonError, match=r"busy: a process is working on this run"):
            cocoon.merge(halves[0], busy, out=tmp_path / "n")
    finally:
        folder.close()


def test_a_merge_that_was_killed_is_begun_anew(halves: tuple[Path, Path], tmp_path: Path) -> None:
    begun = tmp_path / "m" / ".merging"
    begun.mkdir(parents=True)
    (begun / "dialogues.jsonl").write_text("{half", "utf-8")
    (tmp_path / "m" / "ratings.jsonl").write_text("", "utf-8")
    cocoon.merge(*halves, out=tmp_path / "m")
    assert not begun.exists() and len(cocoon.Run(tmp_path / "m")) == 4 and cocoon.verify(tmp_path / "m").ok


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "1/0", "some/2", "any", "1/10001"])
def test_a_shard_that_is_none_is_refused_before_anything_is_written(text: str, spec: str, tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match=rf"^shard '{text}': write which part of how many"):
        make(spec, tmp_path / "run", text)
    assert not (tmp_path / "run").exists()


def test_more_shards_than_people_and_a_shard_of_an_undivided_verb_are_refused(spec: str, tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match=r"shard 5/5: there are only 4 people to share out. Give fewer shards."):
        make(spec, tmp_path / "run", "5/5")
    (tmp_path / "study.yaml").write_text("shard: 1/2\n", "utf-8")
    words = ["profiles", "translate", "shipped:zh", "--to", "en", "--out", str(tmp_path / "t"), "--config"]
    assert "is not divided into shards" in command(*words, str(tmp_path / "study.yaml")).err


def test_a_shard_goes_on_as_that_shard_alone(halves: tuple[Path, Path], spec: str, tmp_path: Path) -> None:
    path = Path(shutil.copytree(halves[0], tmp_path / "s1"))
    for shard in ("2/2", None):
        with pytest.raises(CocoonError, match=r"s1 was started with different settings \(shard"):
            make(spec, path, shard)
    assert len(cocoon.Run(make(spec, path, "1/2"))) == 2
