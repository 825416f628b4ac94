"""Every `cocoon` command of the README runs, in its order, from an empty folder."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_readme_names_the_two_commands_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in README
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_every_command_line_of_the_readme_is_ours() -> None:
    assert len(commands()) >= 6
    assert all(line.startswith("cocoon ") for line in commands())


def test_every_file_that_the_readme_links_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.slow
def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    cocoon = [sys.executable, "-m", "cocoon.cli.main"]
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for line in commands():
        done = subprocess.run(
            [*cocoon, *shlex.split(line)[1:]],
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "embedded model" in (tmp_path / "runs/first/report.md").read_text("utf-8")
    assert (tmp_path / "conversation.svg").read_text("utf-8").startswith("<svg")
