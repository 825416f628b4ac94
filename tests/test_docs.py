"""The documentation names what is there: links, paths, functions, public names. The site builds without a warning."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import cocoon
from cocoon.tests.test_layout import FLOORS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
ROOMS = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} | {"tests"})
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / room / "README.md" for room in ROOMS)])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*(?:\.(?:py|md|yaml|jsonl|json|html|js)|/)")
NAME_IN_FILE = re.compile(r"`([\w/.-]+\.py)::([\w.]+)`")
MODULE = re.compile(rf"\bcocoon\.(?:{'|'.join(ROOMS)})(?:\.\w+)*")
MENTION = re.compile(r"\bdocs/[\w/-]+\.md\b")
ELSEWHERE = re.compile(r"<(?:script|img|iframe|source)[^>]+src=\"?(?:https?:)?//|<link[^>]+href=\"?(?:https?:)?//")
MOST_LINES = 12


def names(page: Path) -> str:
    """Return the name of a page for messages, relative to the root."""
    return page.relative_to(ROOT).as_posix()


@cache
def definitions(file: Path) -> dict[str, ast.stmt]:
    """Return what a module defines, or imports under a name, at its top."""
    return defined_in(ast.parse(file.read_text("utf-8")).body)


def defined_in(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """Return the statements of a body by the name that each defines."""
    found: dict[str, ast.stmt] = {}
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found[statement.name] = statement
            case ast.Assign():
                found |= {target.id: statement for target in statement.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = statement
            case ast.ImportFrom() | ast.Import():
                found |= {alias.asname or alias.name: statement for alias in statement.names}
            case ast.If():
                found |= defined_in(statement.body)
    return found


def has_name(file: Path, dotted: str) -> bool:
    """Return whether a file defines a function, a class, a constant, or `Class.method`."""
    scope = definitions(file)
    for part in dotted.split("."):
        if part not in scope:
            return False
        statement = scope[part]
        scope = defined_in(statement.body) if isinstance(statement, ast.ClassDef) else {}
    return True


def module_exists(dotted: str) -> bool:
    """Return whether `cocoon.a.b` is a module, a package, or a name that one of them defines."""
    parts = dotted.split(".")[1:]
    for length in range(len(parts), -1, -1):
        path = ROOT.joinpath(*parts[:length])
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if file.is_file():
            return length == len(parts) or has_name(file, ".".join(parts[length:]))
    return False


def written_paths(page: Path) -> Iterator[str]:
    """Yield the paths in a page's code spans that are meant to be in this repository.

    The README of a room names the room's files without the room. A lone `dialogues.jsonl` is a file of a run.
    """
    for span in CODE.findall(page.read_text("utf-8")):
        path = span.partition("::")[0]
        in_room = page.parent.name in ROOMS and ("/" in path or path.endswith(".py"))
        if FILE.fullmatch(path) and (in_room or path.split("/")[0] in {*ROOMS, "docs"}):
            yield path


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    bases = {ROOT, page.parent}
    paths = [path for path in written_paths(page) if not path.startswith("runs/")]
    assert [path for path in paths if not any((base / path).exists() for base in bases)] == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_name_in_a_file_that_a_page_names_is_defined_there(page: Path) -> None:
    named = NAME_IN_FILE.findall(page.read_text("utf-8"))
    assert [f"{file}::{name}" for file, name in named if not has_name(ROOT / file, name)] == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_module_that_a_page_names_is_there(page: Path) -> None:
    modules = set(MODULE.findall(page.read_text("utf-8")))
    assert sorted(module for module in modules if not module_exists(module)) == []


def test_the_architecture_follows_three_lines_by_file_and_function() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    assert len(NAME_IN_FILE.findall(text)) > 80
    assert all(f"## One {line}" in text for line in ("reply", "coefficient", "corpus file"))


def test_a_name_that_is_not_defined_is_caught() -> None:
    assert has_name(ROOT / "core/records.py", "Turn") and has_name(ROOT / "models/pool.py", "Pool.call")
    assert not has_name(ROOT / "core/records.py", "Turns") and not has_name(ROOT / "models/pool.py", "Pool.calls")
    assert module_exists("cocoon.core.records.Turn") and not module_exists("cocoon.core.models")


def test_every_page_that_a_file_mentions_is_there() -> None:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".yaml", ".js")]
    missing = [
        f"{path.relative_to(ROOT)}: {page}"
        for path in files
        for page in MENTION.findall(path.read_text("utf-8"))
        if not (ROOT / page).is_file()
    ]
    assert missing == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_what_comes_in_what_goes_out_and_where_to_begin(room: str) -> None:
    text = (ROOT / room / "README.md").read_text("utf-8")
    assert text.startswith(f"# {room}\n") and len(text.splitlines()) <= MOST_LINES
    assert [part for part in ("**In:**", "**Out:**", "**Begin with**", "**Not here:**") if part not in text] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_the_floors_of_a_page_are_those_that_imports_are_held_to(page: str) -> None:
    rows = re.findall(r"^\| (\d) \| ([^|]+) \|", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE)
    assert {room: int(floor) for floor, rooms in rows for room in re.findall(r"\w+", rooms)} == FLOORS


def test_the_index_of_decisions_lists_every_decision() -> None:
    listed = set(LINK.findall((DOCS / "decisions/index.md").read_text("utf-8")))
    assert listed == {path.name for path in (DOCS / "decisions").glob("*.md")} - {"index.md"}


def test_every_public_name_is_in_the_reference() -> None:
    text = (DOCS / "reference/python.md").read_text("utf-8")
    assert [name for name in cocoon.__all__ if not re.search(rf"\bcocoon\.{name}\b", text)] == ["__version__"]


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("mkdocstrings_handlers") is None:
        pytest.skip("needs the extra docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    assert [str(page) for page in pages if ELSEWHERE.search(page.read_text("utf-8"))] == []
    styles = [path.read_text("utf-8") for path in (tmp_path / "site").rglob("*.css")]
    assert [style for style in styles if re.search(r"url\(['\"]?(?:https?:)?//|@import", style)] == []
