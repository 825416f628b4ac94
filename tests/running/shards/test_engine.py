"""`--engine ray` as far as it needs no Ray: what is refused, and in which words."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.core import extras
from cocoon.core.errors import CocoonError
from cocoon.tests.commands import cocoon as command

SPEC = "http://127.0.0.1:9/v1#nobody"
ROLES: dict[str, Any] = {"profiles": "shipped:en", "limit": 4, "supporter": SPEC, "user": SPEC, "progress": False}


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which Ray is not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else find(name, *more))


Call = Callable[[Path], object]
RUN = Path(__file__).resolve().parent.parent.parent.parent / "examples" / "recorded"
ON_RAY: dict[str, Any] = {"engine": "ray", "progress": False}


def study(out: Path) -> Path:
    """A file of settings beside a folder."""
    file = out.with_suffix(".yaml")
    file.write_text("rounds: 3\n", "utf-8")
    return file


VERBS: dict[str, Call] = {
    "simulate": lambda out: cocoon.simulate(**ROLES, out=out, engine="ray"),
    "judge": lambda out: cocoon.judge(RUN, SPEC, ["comfort"], out=out, **ON_RAY),
    "branch": lambda out: cocoon.branch(RUN, turn=1, supporter=SPEC, user=SPEC, config=study(out), out=out, **ON_RAY),
    "script": lambda out: cocoon.script(profiles="shipped:en", writer=SPEC, out=out, **ON_RAY),
    "profiles build": lambda out: cocoon.build_profiles(limit=4, writer=SPEC, out=out, **ON_RAY),
}


@pytest.mark.parametrize("verb", VERBS)
def test_without_ray_the_line_says_how_to_install_it_and_nothing_is_written(
    verb: str, without_ray: None, tmp_path: Path
) -> None:
    with pytest.raises(CocoonError) as refused:
        VERBS[verb](tmp_path / "run")
    assert str(refused.value) == (
        f"--engine ray needs Ray, which is not installed; install with `{extras.install_line('ray')}`"
    )
    assert not (tmp_path / "run").exists()


REFUSED: dict[str, tuple[Call, str]] = {
    "a part": (
        lambda out: cocoon.simulate(**ROLES, out=out, engine="ray", shard="2/8"),
        r"shard 2/8: --engine ray makes every part. Write any/8, or leave it out.",
    ),
    "replicas alone": (
        lambda out: cocoon.simulate(**ROLES, out=out, replicas=2),
        r"flag for replicas: only --engine ray has replicas. Add it, or leave replicas out.",
    ),
    "no replica": (lambda out: cocoon.simulate(**ROLES, out=out, engine="ray", replicas=0), r"replicas"),
    "another engine": (lambda out: cocoon.simulate(**ROLES, out=out, engine="dask"), r"flag for engine: .*'here'"),
    "a run to judge": (
        lambda out: cocoon.judge(out, SPEC, ["comfort"], engine="ray", progress=False),
        r"a shard of dialogues is rated in a folder of its own; name it with --out",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_honoured_is_refused_before_anything_is_written(
    name: str, without_ray: None, tmp_path: Path
) -> None:
    call, message = REFUSED[name]
    with pytest.raises(CocoonError, match=rf"^[^\n]*{message}[^\n]*$"):
        call(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_verb_that_is_not_divided_has_no_engine(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("engine: ray\n", "utf-8")
    words = ["profiles", "translate", "shipped:zh", "--to", "en", "--out", str(tmp_path / "t"), "--config", str(study)]
    assert "`cocoon profiles translate` is not divided into shards. Leave engine out" in command(*words).err
    option = command(*words[:-2], "-o", "engine=ray")
    assert "-o engine: `cocoon profiles translate` has no use for it" in option.err


def test_several_judges_and_a_count_of_calls_are_for_one_process(tmp_path: Path) -> None:
    words = ["judge", str(tmp_path), "--engine", "ray", "--out", str(tmp_path / "r")]
    for more in (["--judges", f"{SPEC},{SPEC}2"], ["--judge", SPEC, "--dry-run"]):
        done = command(*words, *more)
        assert done.code == 2 and "--engine ray rates with one judge" in " ".join(done.err.split())


def test_the_client_of_ray_is_refused_because_it_leaves_the_run_without_a_shared_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    with pytest.raises(CocoonError, match=r"^RAY_ADDRESS=ray://head:10001: Ray's client is not used\. Start the"):
        cocoon.simulate(**ROLES, out=tmp_path / "run", engine="ray")
