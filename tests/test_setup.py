"""What the Makefile relies on: pins that every supported Python can have, torch's build, and what is missing."""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from cocoon.tests.pages import ROOT

OLDEST = "3.11.0"
PIP = (sys.executable, "-c", "import sys; print('pip', *sys.argv[1:])", "install", "torch")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script that installs torch, on a Linux without torch, without a card and without settings of pip."""
    cpu_torch = script("cpu_torch")
    monkeypatch.setattr(cpu_torch.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(cpu_torch.platform, "system", lambda: "Linux")
    monkeypatch.setattr(cpu_torch.shutil, "which", lambda _: None)
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    return cpu_torch


@pytest.fixture
def index() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/cpu/torch/" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_address[1]}/cpu"
        listening.shutdown()
        thread.join()


def pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_oldest_supported_python_can_have_every_pinned_version() -> None:
    impossible = []
    for pin in pins():
        if pin.marker is not None and not pin.marker.evaluate({"python_full_version": OLDEST}):
            continue
        try:
            distribution = metadata.distribution(pin.name)
        except metadata.PackageNotFoundError:
            continue
        needs = SpecifierSet(distribution.metadata["Requires-Python"] or "")
        if pin.specifier.contains(distribution.version) and OLDEST not in needs:
            impossible.append(str(pin))
    assert impossible == []


def test_every_package_has_one_pin_for_a_python() -> None:
    for version in (OLDEST, "3.12.1"):
        names = [
            pin.name for pin in pins() if pin.marker is None or pin.marker.evaluate({"python_full_version": version})
        ]
        assert len(names) == len(set(names))


def test_torch_alone_comes_from_the_index_of_builds_for_the_processor(
    bare: Any, index: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bare.main(index, PIP)
    assert f"pip install --no-deps --index-url {index} torch" in capfd.readouterr().out


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "nonsense"])
def test_an_index_that_cannot_be_reached_leaves_torch_to_the_usual_one(
    bare: Any, address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bare.main(address, PIP)
    shown = capfd.readouterr().out
    assert f"{address} cannot be reached" in shown and "pip install" not in shown


def test_a_package_index_that_was_named_is_not_passed_over(
    bare: Any, index: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bare.main(index, (*PIP[:-1], "--index-url", "http://127.0.0.1/simple", "torch"))
    shown = capfd.readouterr().out
    assert "you named a package index" in shown and "pip install" not in shown


def test_the_extras_of_the_tests_lack_nothing_here() -> None:
    assert list(script("complete").lacking("cocoon-esc", ["local", "dev"], set())) == []


def test_what_a_package_asks_for_and_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    complete = script("complete")
    monkeypatch.setattr(complete.metadata, "requires", lambda name: ["nowhere-to-be-had>=1"] if name == "mine" else [])
    assert list(complete.lacking("mine", [], set())) == ["nowhere-to-be-had>=1 (for mine)"]
