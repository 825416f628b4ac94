"""How the product code reads: shares of vague names, of chained docstrings and of names that two modules define.

A ceiling may only be lowered, so that a share never grows again.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_PRODUCT = {"benchmarks", "build", "dist", "runs", "tests"}
# None of these says what a value is.
# fmt: off
VAGUE_NAMES = {
    "asked", "drawn", "either", "every", "found", "given", "kept", "left", "made", "one", "place", "said", "shown",
    "some", "told", "told_", "wanted", "whole",
}
# fmt: on
CEILINGS = {"vague names": 0.9, "chained docstrings": 0.9, "names of two modules": 2.9}
"""The highest share of each, in percent."""

Tree = Mapping[str, ast.Module]


def product_code() -> dict[str, ast.Module]:
    """Return the syntax tree of every module of the product, by its path from the root."""
    rooms = [path for path in ROOT.iterdir() if path.name not in NOT_PRODUCT and not path.name.startswith(".")]
    modules = sorted([*ROOT.glob("*.py"), *(module for room in rooms for module in room.rglob("*.py"))])
    return {module.relative_to(ROOT).as_posix(): ast.parse(module.read_text("utf-8")) for module in modules}


def assigned_names(module: ast.Module) -> Iterator[str]:
    """Yield every name that a module assigns, once for each assignment."""
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def docstrings(module: ast.Module) -> Iterator[str]:
    """Yield the docstrings of a module, its classes and its functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text


def public_names(module: ast.Module) -> set[str]:
    """Return the public classes and functions that a module defines at its top level."""
    definitions = [
        node for node in module.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {node.name for node in definitions if not node.name.startswith("_")}


def percent(part: int, total: int) -> float:
    """Return a share in percent, 0 where there is nothing to count."""
    return 100 * part / max(1, total)


def shares(tree: Tree) -> dict[str, float]:
    """Return the three shares of a tree in percent."""
    names = [name for module in tree.values() for name in assigned_names(module)]
    texts = [text for module in tree.values() for text in docstrings(module)]
    homes = Counter(name for module in tree.values() for name in public_names(module))
    return {
        "vague names": percent(sum(name in VAGUE_NAMES for name in names), len(names)),
        "chained docstrings": percent(sum(";" in text for text in texts), len(texts)),
        "names of two modules": percent(sum(count for count in homes.values() if count > 1), homes.total()),
    }


@pytest.fixture(scope="module")
def product() -> dict[str, ast.Module]:
    """The product code as it stands."""
    return product_code()


@pytest.fixture(scope="module")
def product_shares(product: dict[str, ast.Module]) -> dict[str, float]:
    """The shares of the product code."""
    return shares(product)


@pytest.mark.parametrize("share", CEILINGS)
def test_no_share_exceeds_its_ceiling(product_shares: dict[str, float], share: str) -> None:
    assert product_shares[share] <= CEILINGS[share], "the share has grown; reword the change, do not raise the ceiling"


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([""], (0, 0, 0)),
        (["found = name = 1\nfor one in []: pass"], (200 / 3, 0, 0)),
        (["def read(found): return found.made"], (0, 0, 0)),
        (['"""One; two."""\nclass Read:\n    """Read."""'], (0, 50, 0)),
        (["def read(): pass\ndef write(): pass", "class read: pass\ndef _write(): pass"], (0, 0, 200 / 3)),
    ],
)
def test_the_shares_are_counted(sources: list[str], expected: tuple[float, float, float]) -> None:
    tree = {f"{number}.py": ast.parse(source) for number, source in enumerate(sources)}
    assert tuple(shares(tree).values()) == pytest.approx(expected)


def test_the_whole_product_is_counted(product: dict[str, ast.Module]) -> None:
    rooms = {path.split("/")[0] for path in product}
    assert {"__init__.py", "core", "cli", "models", "viewer"} <= rooms and not rooms & NOT_PRODUCT
