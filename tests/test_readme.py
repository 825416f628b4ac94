"""Every `cocoon` command and every piece of Python of the README runs, in its order, from an empty folder."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cocoon.tests.commands import cocoon
from cocoon.tests.pages import ROOT, blocks, broken_links, commands

README = "README.md"
# Replies of the embedded model are cut, since its words mean nothing here.
SHORT = {"COCOON_USER__MAX_TOKENS": "30", "COCOON_JUDGE__MAX_TOKENS": "60"}


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **SHORT, "OMP_NUM_THREADS": "1", "BROWSER": "true"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_the_readme_names_the_two_commands_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in (ROOT / README).read_text("utf-8")
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_every_command_line_of_the_readme_is_ours() -> None:
    assert len(commands(README)) >= 6
    assert all(line.startswith("cocoon ") for line in commands(README))


def test_every_file_that_the_readme_links_is_there() -> None:
    assert broken_links(README) == []


def test_the_python_of_the_readme_is_short() -> None:
    (code,) = blocks(README, "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 12


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (tmp_path / "readme.py").write_text("\n".join(blocks(README, "python")), "utf-8")
    run([sys.executable, "readme.py"], tmp_path)
    assert (tmp_path / "runs" / "mine" / "report.html").exists()


@pytest.mark.slow
def test_the_commands_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for name, tokens in SHORT.items():
        monkeypatch.setenv(name, tokens)
    for line in commands(README):
        done = cocoon(*shlex.split(line)[1:])
        assert done.code == 0, f"{line}\n{done.out[-2000:]}\n{done.err[-2000:]}"
    assert "embedded model" in (tmp_path / "runs/first/report.md").read_text("utf-8")
    assert (tmp_path / "conversation.svg").read_text("utf-8").startswith("<svg")
