"""`cocoon new`: every template runs as it is written, and nothing is overwritten."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cocoon.api.templates import KINDS, new_file
from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.records import Dialogue, Rating
from cocoon.human.study import load_study
from cocoon.tests.commands import Done, cocoon, endpoint
from cocoon.tests.examples.examples_on_scripts import MODEL
from cocoon.tests.exports.export_runs import dialogue

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RUN").mkdir()
    (tmp_path / "RUN" / "dialogues.jsonl").write_bytes(dump_line(dialogue("a")))
    return tmp_path


def tried(kind: str, name: str, spec: str, *more: str) -> Done:
    """Write a file by the command line and run the line that it prints, with another model for the embedded one."""
    made = cocoon("new", kind, name, *more)
    assert made.code == 0, made.err
    path = Path(made.out.strip())
    command = made.err.strip().removeprefix("try it: ")
    assert command in path.read_text("utf-8") or kind == "prompt"
    path.write_text(path.read_text("utf-8").replace(MODEL, spec), "utf-8")
    return cocoon(*shlex.split(command.replace(MODEL, spec))[1:])


@pytest.mark.parametrize(
    ("kind", "file"), [("supporter", "CalmOne"), ("user", "Wary"), ("prompt", "gentle"), ("study", "First")]
)
def test_what_talks_talks(kind: str, file: str) -> None:
    with endpoint() as spec:
        done = tried(kind, file, spec)
    assert done.code == 0, done.err
    (run,) = Path("runs").iterdir()
    dialogues = list(read_records(run / "dialogues.jsonl", Dialogue))
    assert dialogues and all(len(dialogue.turns) == 5 for dialogue in dialogues)
    assert run.name == {"CalmOne": "calm_one"}.get(file, file.lower())


@pytest.mark.parametrize(("kind", "scale"), [("judge", "kindness"), ("scale", "kindness")])
def test_what_rates_rates(kind: str, scale: str) -> None:
    with endpoint() as spec:
        done = tried(kind, "Kindness", spec, "--folder", "mine")
    assert done.code == 0, done.err
    ratings = list(read_records(Path("RUN/ratings.jsonl"), Rating))
    assert [rating.scale for rating in ratings] == [scale]


def test_a_study_with_people_can_be_opened() -> None:
    started = new_file("human", "Talks")
    study = load_study(started.path)
    assert study.names == ["r1", "r2"] and study.chats is not None and study.chats.rounds == 4


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "calm.py").write_text("mine", "utf-8")
    done = cocoon("new", "supporter", "Calm")
    assert done.code == 2 and "calm.py already exists" in done.err
    assert (folder / "calm.py").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("supporters", "Calm"), "'supporters' is not known. There are supporter, user"),
        (("user", "no name"), "Give one word"),
        (("user", "../up"), "Give one word"),
        (("user", "Calm", "--folder", "RUN/dialogues.jsonl"), "cannot be made"),
    ],
)
def test_what_cannot_be_written_is_one_line(arguments: tuple[str, ...], words: str) -> None:
    done = cocoon("new", *arguments)
    assert done.code == 2 and words in done.err and done.err.count("\n") == 1, done.err


def test_the_python_of_every_template_is_clean(folder: Path) -> None:
    for kind in ("supporter", "user", "judge"):
        new_file(kind, f"My{kind}", folder / "clean")
    assert len(KINDS) == 7
    ruff = ["-m", "ruff", "check", "--ignore", "E501", "--config", str(ROOT / "pyproject.toml"), "clean"]
    done = subprocess.run([sys.executable, *ruff], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
