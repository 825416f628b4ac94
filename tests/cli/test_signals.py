"""SIGTERM, SIGHUP and kill -9 at commands that run for long: what they say, their exit status, and what is left."""

import random
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cocoon.benchmarks.orchestration.interrupted import VERBS, Interruptions, command
from cocoon.benchmarks.orchestration.processes import endpoint
from cocoon.cli import main
from cocoon.core.outside.interrupts import TerminatedInterrupt
from cocoon.tests.commands import cocoon
from cocoon.tests.human.human_study_cases import as_yaml, study
from cocoon.tests.warm import WarmProcess, start_cocoon


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("endpoint") / "log"


@pytest.fixture(scope="module")
def spec(log: Path) -> Iterator[str]:
    with endpoint(latency=0.05, log=log) as url:
        yield f"{url}#bench"


@pytest.fixture(scope="module")
def dialogues(spec: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("source") / "run"
    assert cocoon(*command("simulate", spec, out, out, 3)).code == 0
    return out / "dialogues.jsonl"


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_interrupted_at_random_moments_ends_like_one_in_peace(
    verb: str, number: signal.Signals, spec: str, log: Path, dialogues: Path, tmp_path: Path
) -> None:
    words = partial(command, verb, spec, dialogues=dialogues, size=3)
    trial = Interruptions(words, number, spec, log, tmp_path, random.Random(f"{verb}{number}"))
    trial.run(1)
    assert trial.problems == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_command_says_how_to_go_on_and_has_the_status_of_its_signal(
    number: signal.Signals, spec: str, log: Path, tmp_path: Path
) -> None:
    words = command("simulate", spec, tmp_path / "run", tmp_path, 3)
    before = len(log.read_text("utf-8").splitlines()) if log.exists() else 0
    process = start_cocoon(*words, folder=tmp_path)
    while len(log.read_text("utf-8").splitlines()) < before + 3 and process.process.is_alive():
        time.sleep(0.01)
    process.send(number)
    process.send(number)
    ended = process.end()
    assert ended.code == 128 + number, ended.err
    assert ended.err.splitlines()[-1] == "cocoon: stopped; run the same command again to continue"
    assert "Traceback" not in ended.err
    again = cocoon(*words)
    assert again.code == 0 and "3 of 3 dialogues" in again.err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_server_ends_cleanly_by_every_signal_that_asks_to(
    number: signal.Signals, status: int, dialogues: Path, tmp_path: Path
) -> None:
    served = start_cocoon("view", str(dialogues.parent), folder=tmp_path)
    ended = _ended(served, number)
    assert ended == (status, False)


def test_the_study_of_people_ends_cleanly_by_a_request_to_terminate(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(as_yaml(study(tmp_path, parts="likert")), "utf-8")
    served = start_cocoon("human", "serve", "study.yaml", "--out", "out", "--port", "0", folder=tmp_path)
    assert _ended(served, signal.SIGTERM) == (143, False)


def test_a_command_that_calls_no_model_stops_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cocoon.api.studies.power_rows", interrupted)
    done = cocoon("power", "--difference", "1", "--spread", "2")
    assert (done.code, done.err) == (130, "cocoon: stopped; give the same command to go on\n")


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_before_a_command_begins_has_its_own_status_too(
    sent: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt if sent == signal.SIGINT else TerminatedInterrupt(sent)

    monkeypatch.setattr(main, "terminate_as_ctrl_c", lambda: None)
    monkeypatch.setattr(main.Cocoon, "make_context", interrupted)
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == status
    assert capsys.readouterr().err == "cocoon: stopped; give the same command to go on\n"


def _ended(served: WarmProcess, number: signal.Signals) -> tuple[int, bool]:
    """Send a signal to a server that has printed its address, and return its status and whether it had a traceback."""
    assert served.first_line()
    served.send(number)
    done = served.end()
    return done.code, "Traceback" in done.err
