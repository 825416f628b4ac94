"""Every `cocoon` command of the README runs, in its order, from an empty folder."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from cocoon.tests.commands import cocoon

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
def test_the_commands_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for role, tokens in (("USER", "30"), ("JUDGE", "60")):
        monkeypatch.setenv(f"COCOON_{role}__MAX_TOKENS", tokens)
    for line in commands():
        done = cocoon(*shlex.split(line)[1:])
        assert done.code == 0, f"{line}\n{done.out[-2000:]}\n{done.err[-2000:]}"
    assert "embedded model" in (tmp_path / "runs/first/report.md").read_text("utf-8")
    assert (tmp_path / "conversation.svg").read_text("utf-8").startswith("<svg")
