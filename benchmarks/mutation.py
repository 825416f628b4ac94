"""Mutants of the modules that every figure rests on, and the share of them that the tests kill.

    python -m cocoon.benchmarks.mutation --count 25 --modules journal ledger success scales statistics trust

A mutant is a module with one operator, constant or statement changed. No file is touched: the changed module is loaded
in a child process in the place of the file, and the tests of that module run there. A mutant is killed when a test
fails or when the tests take many times as long as without it. Tests that start a `cocoon` of their own see the file.
"""

import argparse
import ast
import copy
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from cocoon.benchmarks.orchestration.processes import environment, save, table

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Target:
    """Files to change, and the tests that answer for them."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


TARGETS = {
    "journal": Target(
        ("models/journal/*.py",),
        ("tests/models/test_journal.py", "tests/models/test_journal_reading.py", "tests/models/test_calls.py"),
    ),
    "ledger": Target(("models/ledger.py",), ("tests/models/test_budget.py",)),
    "success": Target(
        ("evaluation/success/verdicts.py", "evaluation/success/mentions.py", "evaluation/success/uptake.py"),
        tuple(f"tests/evaluation/success/test_{name}.py" for name in ("success", "attribution", "mentions")),
    ),
    "scales": Target(
        ("evaluation/scales/scoring.py",),
        ("tests/evaluation/scales/test_scales.py", "tests/running/test_several_judges.py"),
    ),
    "statistics": Target(("evaluation/statistics/*.py",), ("tests/evaluation/statistics",)),
    "trust": Target(
        ("agents/users/trust.py", "agents/users/attuned.py"),
        tuple(f"tests/agents/test_{name}.py" for name in ("trust", "attuned", "people")),
    ),
}
# What the modules stand on is loaded once, before children are made.
WARM = (
    *("aiohttp", "hypothesis", "langchain_openai", "langgraph.graph", "numpy", "pydantic", "pytest_asyncio.plugin"),
    *("scipy.stats", "typer.testing"),
)
OPTIONS = (
    *("-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not browser"),
    # Plugins that stand among what is loaded once cannot be rewritten, and need not be.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "pytest_asyncio.plugin", "-p", "no:unraisableexception"),
)
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the line, the node's number in the walk, and what it becomes."""

    file: str
    line: int
    node: int
    before: str
    after: ast.AST

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before}  ->  {ast.unparse(self.after)}"


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node can become. Every change can be seen in the source."""
    changed: Any = copy.deepcopy(node)
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            changed = copy.deepcopy(node)
            changed.ops[index] = SWAPS[type(operator)]()
            yield changed
    elif isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in SWAPS:
        changed.op = SWAPS[type(node.op)]()
        yield changed
    if isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value, lineno=node.lineno)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    elif isinstance(node, ast.Return) and not (node.value is None or _is_none(node.value)):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def mutants(file: str) -> list[Mutant]:
    """Return every mutant of a file of the package. Annotations and docstrings are not changed."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    types = {id(inner) for node in ast.walk(tree) for kind in _annotations(node) for inner in ast.walk(kind)}
    return [
        Mutant(file, getattr(node, "lineno", 0), number, ast.unparse(node).splitlines()[0], after)
        for number, node in enumerate(ast.walk(tree))
        if id(node) not in types
        for after in changes(node)
    ]


def _annotations(node: ast.AST) -> list[ast.AST]:
    names = ("annotation", "returns")
    return [kind for name in names if isinstance(kind := getattr(node, name, None), ast.AST)]


def compiled(mutant: Mutant) -> CodeType:
    """Return the code of the module with that one change."""
    tree = ast.parse((ROOT / mutant.file).read_text("utf-8"))
    chosen = list(ast.walk(tree))[mutant.node]

    class Change(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return copy.deepcopy(mutant.after) if node is chosen else self.generic_visit(node)

    changed: Any = ast.fix_missing_locations(Change().visit(tree))
    return compile(changed, str(ROOT / mutant.file), "exec")


class MutatedModule(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Finds one module, and loads the mutant in its place."""

    def __init__(self, mutant: Mutant) -> None:
        name = "cocoon." + mutant.file.removesuffix(".py").replace("/", ".")
        super().__init__(name, str(ROOT / mutant.file))
        self._code = compiled(mutant)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        del path, target
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return self._code


def run_tests(tests: Sequence[str], mutant: Mutant | None, limit: float) -> tuple[str, float]:
    """Run tests in a child with a mutant. Return killed, survived or late, and the seconds it took."""
    start = time.monotonic()
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        os.chdir(ROOT)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        try:
            if mutant is not None:
                sys.meta_path.insert(0, MutatedModule(mutant))
            code = pytest.main([*OPTIONS, *tests])
        except BaseException:
            code = 1
        os._exit(int(code))
    status = None
    while status is None and time.monotonic() - start < limit:
        done, code = os.waitpid(child, os.WNOHANG)
        status = code if done else None
        time.sleep(0.02)
    if status is None:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    seconds = time.monotonic() - start
    return "late" if status is None else "survived" if status == 0 else "killed", seconds


def try_module(name: str, count: int, seed: int) -> list[Any]:
    """Try a sample of a module's mutants, and print those that survive. Return the module's row of the table."""
    target = TARGETS[name]
    files = sorted(str(path.relative_to(ROOT)) for pattern in target.files for path in ROOT.glob(pattern))
    tests = [test for test in target.tests if (ROOT / test).exists()]
    possible = [mutant for file in files for mutant in mutants(file)]
    sample = random.Random(f"{name} {seed}").sample(possible, min(count, len(possible)))
    outcome, seconds = run_tests(tests, None, 600)
    if outcome != "survived":
        raise SystemExit(f"{name}: the tests fail without any mutant; fix them first")
    outcomes: list[str] = []
    for mutant in sample:
        outcome, _ = run_tests(tests, mutant, 30 + 5 * seconds)
        outcomes.append(outcome)
        if outcome == "survived":
            print(f"{name}: survived {mutant}", file=sys.stderr, flush=True)
    killed = len(outcomes) - outcomes.count("survived")
    return [name, len(possible), len(sample), killed, outcomes.count("late"), f"{killed / len(sample):.2f}"]


def main() -> int:
    """Try the modules asked for. Exit code 1 if fewer than 85 % of the mutants of one are killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--count", type=int, default=25, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ.update(environment() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    for name in WARM:
        importlib.import_module(name)
    # Children load the package themselves, so that each has its mutant.
    for name in [name for name in sys.modules if name.partition(".")[0] == "cocoon"]:
        del sys.modules[name]
    gc.freeze()
    rows: list[list[Any]] = []
    for name in options.modules:
        rows.append(try_module(name, options.count, options.seed))
        print(rows[-1], file=sys.stderr, flush=True)
    heads = ["module", "mutants", "tried", "killed", "of these late", "share"]
    print(table(heads, rows))
    print(f"written to {save('mutation', {'options': vars(options), 'rows': rows})}")
    return 1 if any(float(row[-1]) < 0.85 for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
