"""The examples of one's own agents, copied to where a test works, with a scripted model for the real one."""

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "examples" / "own"
MODEL = "local:smollm2"


def scripted(folder: Path, *replies: str, name: str = "model") -> str:
    """The spec of a model that says these replies, relative to the folder."""
    (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(reply)}\n" for reply in replies), "utf-8")
    return f"scripted:{name}.jsonl"


def copied(file: Path, folder: Path, model: str) -> Path:
    """A copy of an example in which another model speaks."""
    text = file.read_text("utf-8")
    target = folder / file.name
    target.write_text(text.replace(MODEL, model), "utf-8")
    return target


def all_examples(folder: Path) -> None:
    """Copy all examples as they are."""
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
