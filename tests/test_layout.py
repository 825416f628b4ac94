"""The plan of the house: floors, packaging, file sizes, and what a start may import."""

import ast
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "core": 0,
    "examples": 0,
    "prompts": 1,
    "evaluation": 1,
    "corpora": 1,
    "models": 2,
    "agents": 3,
    "steering": 3,
    "graphs": 4,
    "training": 4,
    "running": 5,
    "reports": 6,
    "serving": 6,
    "studies": 7,
    "human": 7,
    "viewer": 7,
    "exports": 7,
    "api": 8,
    "cli": 9,
}
# `import cocoon` is the front door: it may lead to every room but the command line.
DOOR = FLOORS["cli"]
ROOMS = sorted(room for room in FLOORS if (ROOT / room).is_dir())
HEAVY = {"langgraph", "langsmith", "matplotlib", "openai", "pandas", "pydantic", "torch", "transformers"}
MOST_FILES = 15
LONGEST_FILE = 400
# Written so that the pattern does not match itself.
DEVELOPER_PATH = re.compile(r"(?<![\w.~}])/(?:work|home|root|Users)/\w|/tmp/[\w./-]*venv")


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Dotted names that the module imports, `import_module("...")` too; relative ones begin with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and re.search(r"\b(import_module|__import__)$", ast.unparse(node.func)):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def violations(source: str, room: str) -> list[str]:
    """Imports in `source`, a module of `room` (`""` for the root package), that the floors forbid."""
    floor = FLOORS.get(room, DOOR)
    found = []
    for name in imported_names(ast.parse(source)):
        first, *rest = name.split(".")
        target = rest[0] if rest else ""
        own = target == room or target not in FLOORS | {"tests": 10, "benchmarks": 10}
        if first == "" or (first == "cocoon" and not own and FLOORS.get(target, 10) >= floor):
            found.append(f"{room or 'the root'} (floor {floor}) imports {name}")
    return found


def room_files(pattern: str) -> list[Path]:
    """Files of all rooms that match `pattern`, compiled ones left out."""
    found = (path for room in ROOMS for path in (ROOT / room).rglob(pattern) if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def modules() -> list[str]:
    """Dotted names of every module of the package, from the tree."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in room_files("*.py")]
    dotted = [".".join(("cocoon", *path.parts)).removesuffix(".__init__") for path in paths]
    return sorted(["cocoon", *dotted])


def tracked_files() -> list[Path]:
    """Files that git tracks or would track; skips where there is no git, as in an unpacked archive."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def settings() -> dict[str, Any]:
    """The parsed pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize("room", ["", *ROOMS])
def test_every_room_imports_only_from_floors_below(room: str) -> None:
    paths = sorted((ROOT / room).rglob("*.py")) if room else [ROOT / "__init__.py"]
    assert [fault for path in paths for fault in violations(path.read_text("utf-8"), room)] == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("core", "import cocoon.agents.user"),
        ("core", "from cocoon import prompts"),
        ("core", "def late():\n    from cocoon.graphs.conversation import build"),
        ("core", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cocoon.cli"),
        ("core", "import importlib\nimportlib.import_module('cocoon.agents.user')"),
        ("evaluation", "from cocoon.prompts import anything"),
        ("agents", "from ..core import records"),
        ("graphs", "from cocoon.graphs import nodes\nfrom cocoon.cli.main import app"),
        ("cli", "import cocoon.tests.conftest"),
        ("", "from cocoon.cli.main import app"),
    ],
)
def test_an_import_against_the_floors_is_caught(room: str, source: str) -> None:
    assert len(violations(source, room)) == 1


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("core", "from cocoon.core import errors\nimport core_of_something_else.agents"),
        ("agents", "import cocoon.core.records\nfrom cocoon.evaluation import scales"),
        ("cli", "from cocoon import __version__, graphs\nimport cocoon"),
    ],
)
def test_imports_from_below_pass(room: str, source: str) -> None:
    assert violations(source, room) == []


def test_every_folder_with_code_stands_on_a_floor() -> None:
    outside = {"benchmarks", "build", "tests"}
    folders = {path.parent.name for path in ROOT.glob("[!.]*/*.py")} - outside
    assert folders <= set(FLOORS), "give the new room a floor in FLOORS and in CONTRIBUTING.md"


def test_the_packages_of_pyproject_equal_the_tree() -> None:
    folders = {path.parent.relative_to(ROOT) for path in room_files("*.py")}
    tree = ["cocoon", *(".".join(("cocoon", *folder.parts)) for folder in folders)]
    assert sorted(settings()["tool"]["setuptools"]["packages"]) == sorted(tree)
    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").exists()] == []


def test_the_type_checker_reads_every_room() -> None:
    included = settings()["tool"]["pyright"]["include"]
    assert sorted(included) == sorted([*ROOMS, "benchmarks", "tests"])


def test_the_root_holds_no_other_module() -> None:
    # setuptools packs every *.py of the root folder into the wheel.
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]


def test_no_folder_holds_too_many_modules() -> None:
    paths = [*room_files("*.py"), *(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    sizes = Counter(path.parent.relative_to(ROOT).as_posix() for path in paths if path.name != "__init__.py")
    assert {folder: size for folder, size in sizes.items() if size > MOST_FILES} == {}


def test_no_file_of_a_room_is_too_long() -> None:
    contents = {path: path.read_bytes() for path in room_files("*")}
    lengths = {path: len(content.splitlines()) for path, content in contents.items() if b"\0" not in content}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_file_names_a_path_of_a_developer() -> None:
    found = []
    for path in tracked_files():
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
        found += [f"{path.name}:{n}: {line[:120]}" for n, line in enumerate(lines, 1) if DEVELOPER_PATH.search(line)]
    assert found == []


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        (f"cd {'/'}home/someone/cocoon", True),
        (f"'{'/'}tmp/build/venv-2/bin/python'", True),
        (f"see {'/'}work/main for more", True),
        ("between home/work/school", False),
        ("https://example.org/home/page", False),
        ("$HOME/.cache, ~/work/runs", False),
    ],
)
def test_the_search_for_developer_paths_works(line: str, caught: bool) -> None:
    assert bool(DEVELOPER_PATH.search(line)) is caught


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built from a copy so that a stale build/ of the checkout cannot get in."""
    source, out = tmp_path_factory.mktemp("source") / "tree", tmp_path_factory.mktemp("wheel")
    keep_out = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "runs", "site", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=keep_out)
    run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(out),
            str(source),
        ]
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel alone; dependencies are lent by this environment.

    A `.pth` line lends a folder but not the `.pth` files in it: the editable install stays out of sight.
    """
    home = tmp_path_factory.mktemp("installed") / "env"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    install = ["install", "-q", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    run([sys.executable, "-m", "pip", "--python", str(python), *install])
    (site,) = home.glob("lib/python*/site-packages")
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "lent.pth").write_text("\n".join(sorted(lent)), "utf-8")
    return python


def run(command: list[str], **options: Any) -> str:
    """The standard output of a command; a failure shows what it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_holds_the_rooms_and_nothing_else(wheel: Path) -> None:
    inside = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    # The README of a room is for readers of the repository, and is not installed.
    guides = {ROOT / room / "README.md" for room in ROOMS}
    tree = [f"cocoon/{path.relative_to(ROOT).as_posix()}" for path in room_files("*") if path not in guides]
    assert sorted(inside) == sorted([*tree, "cocoon/__init__.py", "cocoon/py.typed"])


@pytest.mark.slow
def test_every_module_imports_from_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    load = "[importlib.import_module(name).__file__ for name in sys.argv[1:]]"
    code = f"import importlib, json, sys; print(json.dumps({load}))"
    files = json.loads(run([str(installed), "-I", "-c", code, *modules()], cwd=tmp_path).splitlines()[-1])
    environment = installed.parent.parent
    assert len(files) == len(modules())
    assert [file for file in files if not Path(file).is_relative_to(environment)] == []


@pytest.mark.slow
def test_the_installed_command_starts(installed: Path, tmp_path: Path) -> None:
    if not (ROOT / "cli" / "main.py").exists():
        pytest.skip("cli/main.py is not there yet")
    assert "Usage" in run([str(installed), "-I", str(installed.with_name("cocoon")), "--help"], cwd=tmp_path)


def test_help_imports_nothing_heavy() -> None:
    if not (ROOT / "cli" / "main.py").exists():
        pytest.skip("cli/main.py is not there yet")
    code = (
        "import json, sys\n"
        "sys.argv = ['cocoon', '--help']\n"
        "from cocoon.cli.main import run\n"
        "try:\n    run()\n"
        "finally:\n    print(json.dumps(sorted({n.split('.')[0] for n in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0 and "Usage" in done.stdout, done.stdout + done.stderr
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert {name for name in loaded if name in HEAVY or name.startswith("langchain")} == set()
