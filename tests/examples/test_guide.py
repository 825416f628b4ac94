"""Every command of docs/how-to/make-it-yours.md runs in its order, and its Python is that of the example files."""

import ast
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue, Rating
from cocoon.tests.commands import cocoon, endpoint, said, server
from cocoon.tests.examples.examples_on_scripts import MODEL, OWN, all_examples
from cocoon.tests.models.local.tiny_models import tiny_network
from cocoon.tests.pages import blocks, broken_links, commands
from cocoon.tests.steering.steered import direction_for

GUIDE = "docs/how-to/make-it-yours.md"
FILES = sorted(OWN.glob("[a-z]*.py"))


def calls_its_tool(request: dict[str, Any]) -> tuple[int, Any]:
    """A model that looks "tired" up in every turn and then says what it read."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return said(f"I read this: {last['content']}")
    call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": '{"feeling": "tired"}'}}
    status, body = said("")
    body["choices"][0] |= {"finish_reason": "tool_calls"}
    body["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
    return status, body


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The guide's models: one with tools in OpenAI's place, and the spec of one that answers what it is asked."""
    monkeypatch.chdir(tmp_path)
    with endpoint() as spec, server(calls_its_tool) as tools:
        monkeypatch.setenv("OPENAI_BASE_URL", tools.partition("#")[0])
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield spec


def run_python(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_command_of_the_guide_runs(tmp_path: Path, models: str) -> None:
    all_examples(tmp_path)
    direction_for(tiny_network()).save(tmp_path / "DIRECTION.safetensors")
    for file in (tmp_path / "examples" / "own").glob("*.py"):
        file.write_text(file.read_text("utf-8").replace(MODEL, models), "utf-8")
    for line in commands(GUIDE):
        program, *arguments = shlex.split(line.replace(MODEL, models))
        if program == "python":
            run_python(arguments)
            continue
        assert program == "cocoon"
        # A sweep steers a local model: the dry run keeps its base.
        done = cocoon(*arguments)
        assert done.code == 0, f"{line}\n{done.err}"
    graph = next(iter(read_records(tmp_path / "runs/graph/dialogues.jsonl", Dialogue)))
    spoken = [turn.content for turn in graph.turns if turn.role == "supporter"][1:]
    assert len(spoken) == 2 and all(words.startswith("I read this: Tiredness") for words in spoken)
    assert {rating.scale for rating in read_records(tmp_path / "runs/letters/ratings.jsonl", Rating)} == {"brevity"}
    tables = json.loads(cocoon("report", "runs/function", "--json").out)["tables"]
    assert {row["Scale"] for row in tables["other_scales"]["rows"]} == {"brevity", "gentleness"}
    unread = [row["Reason"] for row in tables["missing_reasons"]["rows"] if row["Scale"] == "warmth"]
    assert unread == ["the reply has no number from 1 to 5"]
    assert "gentleness gentleness" in {row["Dimension"] for row in tables["consistency"]["rows"]}


def test_every_file_that_the_guide_links_is_there() -> None:
    assert broken_links(GUIDE) == []


def test_the_python_of_the_guide_stands_in_the_examples() -> None:
    texts = [file.read_text("utf-8") for file in FILES]
    shown = blocks(GUIDE, "python")
    assert len(shown) == len(FILES)
    for block in shown:
        assert any(block.strip() in text for text in texts), block


def test_a_supporter_that_is_a_function_takes_twelve_lines() -> None:
    assert len([line for line in blocks(GUIDE, "python")[0].splitlines() if line.strip()]) <= 12


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_needs_no_cast_and_no_private_import(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    sources = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imported | sources if name.startswith("cocoon.")]
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "cast" not in names and not [name for name in names if name.startswith("_")]
    assert "type: ignore" not in file.read_text("utf-8") and "pyright: ignore" not in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def mine(path):\n    yield 3\n", "mine.py: dialogue 1 is a int. Yield cocoon.Dialogue."),
        ("def mine(path):\n    yield 1 / 0\n", "mine.py, at dialogue 1: ZeroDivisionError: division by zero"),
        ("mine = 3\n", "is no function"),
    ],
)
def test_a_corpus_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(code, "utf-8")
    done = cocoon("corpus", "import", "python:mine.py:mine", "mine.py", "-o", "out.jsonl")
    assert done.code == 2 and words in done.err and done.err.count("\n") == 1, done.err
