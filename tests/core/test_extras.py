"""What is advised when a package is missing: a line that works here, and never our own name on an index."""

import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from cocoon.core import extras
from cocoon.core.extras import EXTRAS, install_line
from cocoon.tests.commands import cocoon
from cocoon.tests.test_layout import tracked_files

THIS = Path(__file__).name
PROJECT = tomllib.loads((extras.CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
OPTIONAL: dict[str, list[str]] = PROJECT["optional-dependencies"]
# Words that would fetch this package, or one that took its name, from an index.
FETCHES_US = re.compile(r"""pip install[^\n`]*[\s'"](cocoon-esc|cocoon)(\[|['"\s`]|$)""", re.MULTILINE)


def test_every_extra_has_a_purpose_and_reveals_itself() -> None:
    assert set(EXTRAS) == set(OPTIONAL)
    assert all(extra.purpose and extra.modules for extra in EXTRAS.values())
    assert EXTRAS["local"].installed


def test_a_checkout_advises_its_own_make_target_in_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(extras.CHECKOUT / ".venv"))
    monkeypatch.chdir(extras.CHECKOUT)
    assert install_line("local", "train") == "make extras EXTRAS=local,train"
    monkeypatch.chdir("/")
    assert shlex.split(install_line("train")) == ["make", "-C", str(extras.CHECKOUT), "extras", "EXTRAS=train"]


def test_a_checkout_in_another_environment_advises_pip_with_its_constraints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/somewhere/else")
    line = shlex.split(install_line("train"))
    assert line == ["pip", "install", "-c", f"{extras.CHECKOUT}/constraints.txt", "-e", f"{extras.CHECKOUT}[train]"]


def test_a_wheel_advises_the_packages_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    required = [f'{package}; extra == "{name}"' for name, packages in OPTIONAL.items() for package in packages]
    monkeypatch.setattr(extras, "CHECKOUT", tmp_path)
    monkeypatch.setattr(metadata, "requires", lambda _: ["numpy>=1.26", *required])
    assert shlex.split(install_line("train")) == ["pip", "install", *sorted(OPTIONAL["train"])]
    both = shlex.split(install_line("local", "train"))
    assert set(both[2:]) == set(OPTIONAL["local"]) | set(OPTIONAL["train"])


def test_the_make_target_keeps_to_the_constraints() -> None:
    command = ["make", "-n", "extras", "EXTRAS=local,train"]
    shown = subprocess.run(command, cwd=extras.CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert re.search(r"pip .*-c constraints\.txt .*-e '\.\[local,train\]'", shown)


def test_no_message_and_no_page_tells_anybody_to_fetch_our_name_from_an_index() -> None:
    pages = [page for page in tracked_files() if page.suffix in (".py", ".md", ".ipynb", ".yml", ".yaml")]
    assert len(pages) > 500
    texts = {str(page): page.read_text("utf-8") for page in pages if page.name not in ("CHANGELOG.md", THIS)}
    assert {name: FETCHES_US.findall(text) for name, text in texts.items() if FETCHES_US.search(text)} == {}
    assert FETCHES_US.search("pip install 'cocoon-esc[train]'") and FETCHES_US.search("uv pip install cocoon")


def test_doctor_lists_every_extra_with_its_purpose_and_what_installs_it() -> None:
    shown = " ".join(cocoon("doctor", environment={"COLUMNS": "400"}).out.split())
    for name, extra in EXTRAS.items():
        assert f"extra {name!r} {'yes' if extra.installed else 'no'} {extra.purpose}" in shown
        assert extra.installed or f"install with `{install_line(name)}`" in shown
