"""A finished run with its report, for the tests that damage copies of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.conversations import ROOT

SCALE = ROOT / "examples" / "own" / "gentleness.yaml"
Change = Callable[[Path], object]


def command(spec: str, out: Path) -> list[str]:
    """A run of two dialogues, judged on three scales."""
    return [
        *("simulate", "--profiles", "shipped:en", "-n", "2", "--rounds", "2", "--concurrency", "4"),
        *("--supporter", spec, "--user", spec, "--judge", spec, "--scales", "success,comfort"),
        *("-o", "form_pairs=2", "--out", str(out)),
    ]


def make_run(out: Path) -> None:
    """Make the run, with a scale of one's own and a supporter that always fails, and its report."""
    broken = out.parent / "broken.py"
    broken.write_text("def broken(messages):\n    raise ValueError('no words')\n", "utf-8")
    more = [
        "--supporter",
        f"broken=python:{broken}:broken",
        "--scale-file",
        str(SCALE),
        "--scales",
        f"success,comfort,{SCALE.stem}",
    ]
    with endpoint() as spec:
        done = cocoon(*command(spec, out), *more)
    assert done.code == 1 and "2 failed" in done.err, done.err
    assert cocoon("report", str(out)).code == 0


def copied(run: Path, target: Path, change: Change | None = None) -> Path:
    """Return a copy of a run, after a change."""
    shutil.copytree(run, target)
    if change is not None:
        change(target)
    return target


def replaced(name: str, old: str, new: str) -> Change:
    """Return a change that replaces a text in a file of the run, once."""

    def change(run: Path) -> None:
        text = (run / name).read_text("utf-8")
        assert old in text, f"{old!r} is not in {name}"
        (run / name).write_text(text.replace(old, new, 1), "utf-8")

    return change
